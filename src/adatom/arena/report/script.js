
"use strict";
(async () => {
  const find = (id) => document.getElementById(id);

  /** An element. What stands in records gets into the page as text only. */
  function make(tag, settings = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(settings)) {
      if (name === "on") for (const [event, action] of Object.entries(value)) element.addEventListener(event, action);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }
  function draw(tag, settings, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(settings)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  if (!("DecompressionStream" in window)) {
    find("leaderboard").append(make("p", { class: "warn" }, "This browser is too old for the rest of the page."));
    return;
  }
  const bytes = Uint8Array.from(atob(find("data").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const data = await new Response(stream).json();
  find("data").remove();
  const { models, benchmarks, machines } = data;

  const state = { models: models.map((_, index) => index), benchmarks: new Set(benchmarks.keys()) };
  const say = (text) => { find("said").textContent = text; };
  const plural = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;
  const mean = (values) => values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  const spaced = (name) => name.replaceAll("_", " ");
  const withUnit = (name, unit) => spaced(name) + (unit ? ` (${unit})` : "");
  function show(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    return size >= 1e5 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  }
  const score = (value) => value === null || value === undefined ? "–" : value.toFixed(3);

  // ------------------------------------------------------------------------------------------------------- tables

  /**
   * A table that its headers sort. A column has a title, the value of a row to sort by, and its cell, a node or text;
   * or `head: true` if its cells name the rows, `number`, `down: true` if the largest comes first, `style` of a cell.
   */
  function table(caption, columns, rows, sorted = null) {
    const body = make("tbody");
    const headers = columns.map((column, index) => make(
      "th",
      { scope: "col", class: [column.head && "head", column.number && "number"].filter(Boolean).join(" ") || null },
      make("button", { type: "button", on: { click: () => sort(index) } }, column.title),
    ));
    let by = sorted;
    function sort(index) {
      const first = columns[index].down ? -1 : 1;
      by = { index, way: by && by.index === index ? -by.way : first };
      fill();
      say(`Sorted by ${columns[index].title}, ${by.way > 0 ? "ascending" : "descending"}`);
    }
    function fill() {
      headers.forEach((header, index) => header.setAttribute(
        "aria-sort", by && by.index === index ? (by.way > 0 ? "ascending" : "descending") : "none",
      ));
      const shown = [...rows];
      if (by) {
        const value = columns[by.index].value;
        const none = (key) => key === null || key === undefined || Number.isNaN(key);
        shown.sort((one, other) => {
          const [a, b] = [value(one), value(other)];
          if (none(a) || none(b)) return none(a) - none(b);
          return by.way * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
        });
      }
      body.replaceChildren(...shown.map((row) => make("tr", {}, ...columns.map((column) => {
        const content = column.cell ? column.cell(row) : column.value(row);
        const kind = column.head ? "th" : "td";
        const looks = { scope: column.head ? "row" : null, class: column.number ? "number" : column.text ? "text" : null };
        const cell = make(kind, looks, ...(Array.isArray(content) ? content : [content ?? "–"]));
        const part = column.shade && column.value(row);
        if (typeof part === "number") {
          cell.classList.add("shade");
          cell.style.setProperty("--part", `${Math.round(part * 40)}%`);
        }
        return cell;
      }))));
    }
    fill();
    return make(
      "div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
      make("table", {}, make("caption", {}, make("span", {}, caption)), make("thead", {}, make("tr", {}, ...headers)), body),
    );
  }
  const modelColumn = { title: "Model", head: true, value: (row) => models[row.model] };

  // -------------------------------------------------------------------------------------------------- leaderboard

  /** Models with their mean score over the chosen benchmarks, and true ranks, as adatom.arena.score makes them. */
  function ranked() {
    const chosen = [...state.benchmarks];
    const rows = models.map((_, model) => {
      const runs = chosen.map((index) => benchmarks[index].runs[model]);
      const there = runs.filter(Boolean);
      return {
        model,
        score: mean(runs.map((run) => run ? run.score : 0)) ?? 0,
        failed: there.reduce((sum, run) => sum + run.failed, 0),
        incomplete: there.reduce((sum, run) => sum + run.incomplete, 0),
      };
    });
    const rounded = rows.map((row) => Math.round(row.score * 1e9));
    rows.forEach((row, index) => { row.rank = 1 + rounded.filter((other) => other > rounded[index]).length; });
    return rows.sort((one, other) => one.rank - other.rank);
  }

  function showBoard() {
    const shown = new Set(state.models);
    const rows = ranked().filter((row) => shown.has(row.model));
    const columns = [
      modelColumn,
      { title: "Rank", number: true, value: (row) => row.rank, cell: (row) => String(row.rank) },
      { title: "Score", number: true, down: true, value: (row) => row.score, cell: (row) => score(row.score) },
      ...[...state.benchmarks].map((index) => ({
        title: benchmarks[index].title,
        number: true,
        down: true,
        value: (row) => benchmarks[index].runs[row.model]?.score,
        cell: (row) => {
          const run = benchmarks[index].runs[row.model];
          if (!run) return make("span", { class: "warn" }, "no record");
          const interval = run.interval ? `${run.interval[0].toFixed(2)} to ${run.interval[1].toFixed(2)}` : "one system";
          return [score(run.score), make("small", {}, interval), make("small", {}, `rank ${run.rank}`),
            run.failed ? make("small", { class: "warn" }, `${run.failed} failed`) : null].filter(Boolean);
        },
      })),
      { title: "Failed", number: true, down: true, value: (row) => row.failed, cell: (row) => String(row.failed) },
      { title: "Incomplete", number: true, down: true, value: (row) => row.incomplete, cell: (row) => String(row.incomplete) },
    ];
    const caption = "Mean score, and its interval of 95 % by bootstrap over systems";
    find("board").replaceChildren(table(caption, columns, rows, { index: 1, way: 1 }));
  }

  // --------------------------------------------------------------------------------------------------- benchmarks

  const parts = benchmarks.map((benchmark, index) => {
    const count = benchmark.runs.filter(Boolean).length;
    const content = make("div");
    const part = make(
      "details", {},
      make("summary", {}, benchmark.title,
        make("small", {}, `${plural(benchmark.systems.length, "system")}, ${plural(count, "model")}`)),
      content,
    );
    const fill = () => {
      if (part.open && part.stale) {
        part.stale = false;
        content.replaceChildren(...contentOf(index));
      }
    };
    part.addEventListener("toggle", fill);
    part.refresh = () => {
      part.stale = true;
      part.hidden = !state.benchmarks.has(index);
      fill();
    };
    return part;
  });

  /** A text whose addresses on the web are links. */
  function linked(text) {
    return text.split(/(https?:\/\/[^\s,;]+)/).map((piece, index) => (
      index % 2 ? make("a", { href: piece, rel: "noreferrer" }, piece) : piece
    ));
  }

  function contentOf(index) {
    const benchmark = benchmarks[index];
    const there = state.models.filter((model) => benchmark.runs[model]);
    const metrics = table(`Metrics of ${benchmark.title}`, [
      { title: "Metric", head: true, value: (row) => spaced(row.name) },
      { title: "What it measures", text: true, value: (row) => row.about },
      { title: "Unit", value: (row) => row.unit, cell: (row) => row.unit || "none" },
      { title: "Score 1 at", number: true, value: (row) => row.good, cell: (row) => show(row.good) },
      { title: "Score 0 at", number: true, value: (row) => row.bad, cell: (row) => show(row.bad) },
      { title: "Weight", number: true, value: (row) => row.weight, cell: (row) => show(row.weight) },
      { title: "Score", text: true, value: (row) => row.formula },
    ], benchmark.metrics);
    const means = table(`Means of the metrics over the systems that have them, ${benchmark.title}`, [
      modelColumn,
      { title: "Score", number: true, down: true, value: (row) => row.run.score, cell: (row) => score(row.run.score) },
      ...benchmark.metrics.map((metric, number) => ({
        title: withUnit(metric.name, metric.unit),
        number: true,
        value: (row) => row.means[number].value,
        cell: (row) => {
          const { value, count } = row.means[number];
          const few = count < row.run.systems ? make("small", {}, `${count} of ${row.run.systems}`) : null;
          return [show(value), few].filter(Boolean);
        },
      })),
    ], there.map((model) => {
      const run = benchmark.runs[model];
      const means = run.values.map((values) => {
        const found = values.filter((value) => value !== null);
        return { value: mean(found), count: found.length };
      });
      return { model, run, means };
    }), { index: 1, way: -1 });
    const systems = table(`Scores of systems, ${benchmark.title}. Choose one for its values${benchmark.curves.length ? " and curves" : ""}.`, [
      {
        title: "System",
        head: true,
        value: (row) => row.number,
        cell: (row) => make(
          "button", { type: "button", on: { click: () => openSystem(index, row.number) } }, benchmark.systems[row.number],
        ),
      },
      { title: "Mean", number: true, value: (row) => row.mean, cell: (row) => score(row.mean) },
      ...there.map((model) => ({
        title: models[model],
        number: true,
        down: true,
        shade: true,
        value: (row) => benchmark.runs[model].scores[row.number],
        cell: (row) => benchmark.runs[model].failures.some((failure) => failure[2].includes(row.number))
          ? make("span", { class: "warn" }, "failed") : score(benchmark.runs[model].scores[row.number]),
      })),
    ], benchmark.systems.map((_, number) => ({
      number, mean: mean(there.map((model) => benchmark.runs[model].scores[number] ?? 0)),
    })), { index: 0, way: 1 });
    return [
      make("p", {}, benchmark.about),
      benchmark.citation ? make("p", {}, "Source: ", ...linked(benchmark.citation)) : null,
      make("h3", {}, "Metrics"), metrics,
      make("h3", {}, "Means"), means,
      make("h3", {}, "Systems"), systems,
    ].filter(Boolean);
  }

  // --------------------------------------------------------------------------------------------------- one system

  const summed = (steps, unit, start) => {
    let sum = 0;
    return steps.map((step) => start + unit * (sum += step));
  };
  /** The curves of a model for a system, by the number of the curve; null where there is none. */
  function curvesOf(benchmark, run, number) {
    const packed = run.drawn[number];
    if (!packed) return benchmark.curves.map(() => null);
    const keys = [...new Set(benchmark.curves.map((curve) => curve.x))];
    return benchmark.curves.map((curve, index) => {
      const [xs, ys] = [packed[0][keys.indexOf(curve.x)], packed[1][index]];
      if (!xs || !ys) return null;
      return {
        x: summed(xs.slice(2), (xs[1] - xs[0]) / 4000 || 1 / 4000, xs[0]),
        y: summed(ys.slice(2), (ys[1] - ys[0]) / 2000 || 1 / 2000, ys[0]),
        view: [ys[0], ys[1]],
      };
    });
  }
  /** The value of a curve at a coordinate, with the digits that its points have. */
  function valueAt(curve, x) {
    const step = (curve.view[1] - curve.view[0]) / 2000 || 1 / 2000;
    const value = between(curve, x);
    return value === null ? null : Math.round(value / step) * step;
  }
  function between(curve, x) {
    const after = curve.x.findIndex((place) => place >= x);
    if (after < 0 || x < curve.x[0]) return null;
    if (after === 0 || curve.x[after] === x) return curve.y[after];
    const part = (x - curve.x[after - 1]) / (curve.x[after] - curve.x[after - 1]);
    return curve.y[after - 1] + part * (curve.y[after] - curve.y[after - 1]);
  }
  function ticks(low, high, count) {
    const rough = (high - low) / count || 1;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((factor) => factor * unit >= rough) * unit;
    const found = [];
    for (let tick = Math.ceil(low / step); tick * step <= high + step * 1e-6; tick += 1) found.push(tick * step);
    return found;
  }
  const looks = (model) => `line c${model % 10} d${Math.floor(model / 10) % 3}`;

  const dialog = find("plot");
  let redraw = () => {};
  new ResizeObserver(() => { if (dialog.open) redraw(); }).observe(dialog);

  function openSystem(index, number) {
    const benchmark = benchmarks[index];
    const there = state.models.filter((model) => benchmark.runs[model]);
    const lines = there.map((model) => ({ model, shown: true, curves: curvesOf(benchmark, benchmark.runs[model], number) }));
    const some = lines.some((line) => line.curves.some(Boolean));
    const name = benchmark.systems[number];
    const move = (way) => make("button", {
      type: "button",
      disabled: !(number + way in benchmark.systems),
      on: { click: () => { openSystem(index, number + way); dialog.querySelector(`[data-way="${way}"]`).focus(); } },
      "data-way": way,
    }, way < 0 ? "Previous" : "Next");
    const reasons = there.flatMap((model) => {
      const run = benchmark.runs[model];
      return [
        ...run.failures.filter((row) => row[2].includes(number))
          .map(([kind, why]) => ({ model, what: `failed: ${kind}`, why })),
        ...run.missing.flatMap(([why, systems]) => systems.filter(([system]) => system === number)
          .map(([, points]) => ({ model, what: `missing points ${points}`, why }))),
      ];
    });
    const values = table(`Metrics of ${name}`, [
      modelColumn,
      { title: "Score", number: true, down: true, value: (row) => row.score, cell: (row) => score(row.score) },
      ...benchmark.metrics.map((metric, place) => ({
        title: withUnit(metric.name, metric.unit), number: true,
        value: (row) => row.values[place], cell: (row) => show(row.values[place]),
      })),
    ], there.map((model) => ({
      model,
      score: benchmark.runs[model].scores[number],
      values: benchmark.runs[model].values.map((metric) => metric[number]),
    })));
    dialog.replaceChildren(
      make("header", {}, make("h2", { id: "plot-title" }, `${benchmark.title}: ${name}`), move(-1), move(1),
        make("button", { type: "button", on: { click: () => dialog.close() } }, "Close")),
      ...(some ? [plots(benchmark, lines)] : [make("p", {}, "No model has a curve of it.")]),
      make("h3", {}, "Metrics"), values,
      ...(reasons.length ? [make("h3", {}, "What is missing"), table(`What is missing of ${name}`, [
        modelColumn,
        { title: "What", value: (row) => row.what },
        { title: "Why", text: true, value: (row) => row.why },
      ], reasons)] : []),
    );
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    redraw();
    say(`${some ? "Plot" : "Metrics"} of ${name} opened`);
  }
  dialog.addEventListener("close", () => { redraw = () => {}; dialog.replaceChildren(); });

  /** The curves of a system: a figure for each, and one list of models, which hides lines and shows their values. */
  function plots(benchmark, lines) {
    const keys = [...new Set(benchmark.curves.map((curve) => curve.x))];
    const all = { value: false };
    const places = keys.map(() => null);
    const ranges = keys.map((key) => {
      const xs = lines.flatMap((line) => line.curves.flatMap((curve, index) => (
        curve && benchmark.curves[index].x === key ? [curve.x[0], curve.x.at(-1)] : []
      )));
      return xs.length ? [Math.min(...xs), Math.max(...xs)] : null;
    });
    const figures = benchmark.curves.map((curve, index) => ({
      curve, index, key: keys.indexOf(curve.x), svg: draw("svg", { role: "img" }),
    })).filter((figure) => ranges[figure.key]);
    const cells = lines.map(() => figures.map(() => make("td", { class: "number" }, "–")));

    function drawFigure(figure) {
      const { svg, index, curve } = figure;
      const [width, height] = [Math.max(svg.clientWidth, 240), Math.max(svg.clientHeight, 160)];
      const box = { left: 62, right: width - 10, top: 10, bottom: height - 40 };
      const seen = lines.filter((line) => line.shown && line.curves[index]);
      const [left, right] = ranges[figure.key];
      let [low, high] = [Infinity, -Infinity];
      for (const { curves } of seen) {
        for (const value of all.value ? curves[index].y : curves[index].view) {
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      }
      if (low > high) [low, high] = [0, 1];
      const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
      [low, high] = [low - room, high + room];
      const x = (value) => box.left + (value - left) / ((right - left) || 1) * (box.right - box.left);
      const y = (value) => box.bottom - (value - low) / (high - low) * (box.bottom - box.top);
      const far = (value) => Math.min(Math.max(y(value), -4 * height), 5 * height).toFixed(1);
      const clip = `clip-${index}`;
      const label = `${spaced(curve.y)} by ${spaced(curve.x)} of ${plural(seen.length, "model")}; their values are in the table below`;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("aria-label", label);
      const scale = [];
      for (const tick of ticks(left, right, width / 90)) {
        scale.push(draw("line", { class: "grid", x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom }),
          draw("text", { x: x(tick), y: box.bottom + 16, "text-anchor": "middle" }, show(Number(tick.toPrecision(6)))));
      }
      for (const tick of ticks(low, high, height / 50)) {
        scale.push(draw("line", { class: tick === 0 ? "zero" : "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }),
          draw("text", { x: box.left - 6, y: y(tick) + 4, "text-anchor": "end" }, show(Number(tick.toPrecision(6)))));
      }
      svg.replaceChildren(
        draw("defs", {}, draw("clipPath", { id: clip }, draw("rect", {
          x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top,
        }))),
        ...scale,
        draw("text", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle" }, withUnit(curve.x, curve.x_unit)),
        draw("text", { transform: `translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" },
          withUnit(curve.y, curve.y_unit)),
        draw("g", { "clip-path": `url(#${clip})` }, ...seen.map((line) => draw("path", {
          class: looks(line.model),
          "data-model": line.model,
          d: line.curves[index].x.map((place, at) => (
            `${at ? "L" : "M"}${x(place).toFixed(1)} ${far(line.curves[index].y[at])}`
          )).join(""),
        }))),
      );
      figure.cursor = draw("line", { class: "cursor", x1: 0, x2: 0, y1: box.top, y2: box.bottom, visibility: "hidden" });
      svg.append(figure.cursor);
      figure.x = x;
      figure.place = (event) => {
        const at = (event.clientX - svg.getBoundingClientRect().left) * (width / (svg.clientWidth || width));
        return Math.min(Math.max(left + (at - box.left) / (box.right - box.left) * (right - left), left), right);
      };
    }
    function read(key, place) {
      places[key] = place;
      sliders[key].value = String(place);
      outputs[key].textContent = withUnit("", benchmark.curves.find((curve) => curve.x === keys[key]).x_unit)
        .replace(/^ \((.*)\)$/, `${place.toFixed(3)} $1`) || place.toFixed(3);
      figures.forEach((figure, number) => {
        if (figure.key !== key) return;
        figure.cursor.setAttribute("x1", figure.x(place));
        figure.cursor.setAttribute("x2", figure.x(place));
        figure.cursor.setAttribute("visibility", "visible");
        lines.forEach((line, row) => {
          const curve = line.curves[figure.index];
          cells[row][number].textContent = curve ? show(valueAt(curve, place)) : "–";
        });
      });
    }
    // Values are read at the lowest point of a curve until the user points elsewhere.
    keys.forEach((key, number) => {
      const curve = lines.flatMap((line) => line.curves.filter((each, index) => each && benchmark.curves[index].x === key))[0];
      if (curve) places[number] = curve.x[curve.y.indexOf(Math.min(...curve.y))];
    });
    redraw = () => {
      figures.forEach(drawFigure);
      places.forEach((place, key) => { if (place !== null) read(key, place); });
    };
    for (const figure of figures) {
      figure.svg.addEventListener("pointermove", (event) => read(figure.key, figure.place(event)));
      figure.svg.addEventListener("pointerdown", (event) => read(figure.key, figure.place(event)));
    }
    const outputs = keys.map(() => make("output"));
    const sliders = keys.map((key, number) => ranges[number] && make("input", {
      type: "range", min: ranges[number][0], max: ranges[number][1], step: "any", "aria-label": `Read values at ${spaced(key)}`,
      on: {
        input: (event) => read(number, Number(event.target.value)),
        keydown: (event) => {  // a step of "any" is too large for the keys
          const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
          if (!way) return;
          event.preventDefault();
          const [low, high] = ranges[number];
          read(number, Math.min(Math.max(Number(event.target.value) + way * (high - low) / 200, low), high));
        },
      },
    }));
    const heads = figures.map((figure) => make("th", { scope: "col", class: "number" }, withUnit(figure.curve.y, figure.curve.y_unit)));
    const legend = make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Models and values" }, make(
      "table", {},
      make("caption", {}, make("span", {}, "Models drawn, and their values where you point")),
      make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "head" }, "Model"), ...heads)),
      make("tbody", {}, ...lines.map((line, row) => make("tr", {},
        make("th", { scope: "row" }, make("label", {},
          make("input", {
            type: "checkbox",
            checked: true,
            on: { change: (event) => { line.shown = event.target.checked; redraw(); } },
          }),
          swatch(line.model), make("span", {}, models[line.model]))),
        ...cells[row]))),
    ));
    const choose = (name, shown) => make("button", {
      type: "button",
      on: {
        click: () => {
          lines.forEach((line) => { line.shown = shown; });
          legend.querySelectorAll("input").forEach((box) => { box.checked = shown; });
          redraw();
        },
      },
    }, name);
    return make("div", { class: "drawn" },
      make("div", {},
        make("p", {}, make("label", {},
          make("input", { type: "checkbox", on: { change: (event) => { all.value = event.target.checked; redraw(); } } }),
          " Whole range of the values, not only the part near the well")),
        ...figures.map((figure) => make("figure", {},
          make("figcaption", {}, `${withUnit(figure.curve.y, figure.curve.y_unit)} by ${withUnit(figure.curve.x, figure.curve.x_unit)}`),
          figure.svg, valueTable(figure, lines)))),
      make("div", {},
        ...keys.map((key, number) => sliders[number]
          && make("p", { class: "at" }, `${spaced(key)}: `, outputs[number], sliders[number])),
        make("p", {}, choose("Draw all", true), " ", choose("Draw none", false)),
        legend,
        make("small", {}, "Curves are drawn by fewer points than were computed, close where they bend; between these, values are interpolated.")),
    );
  }
  function swatch(model) {
    return draw("svg", { class: "swatch", viewBox: "0 0 30 10", "aria-hidden": "true" },
      draw("path", { class: looks(model), d: "M0 5L30 5" }));
  }
  /** The drawn values as a table, made when it is opened. */
  function valueTable(figure, lines) {
    const part = make("details", {}, make("summary", {}, "Values as a table"));
    part.addEventListener("toggle", () => {
      if (part.childElementCount > 1) return;
      const drawn = lines.filter((line) => line.curves[figure.index]);
      const xs = [...new Set(drawn.flatMap((line) => line.curves[figure.index].x))].sort((a, b) => a - b);
      const every = Math.ceil(xs.length / 80);
      part.append(table(withUnit(figure.curve.y, figure.curve.y_unit), [
        { title: withUnit(figure.curve.x, figure.curve.x_unit), head: true, value: (row) => row, cell: (row) => row.toFixed(3) },
        ...drawn.map((line) => ({
          title: models[line.model],
          number: true,
          value: (row) => valueAt(line.curves[figure.index], row),
          cell: (row) => show(valueAt(line.curves[figure.index], row)),
        })),
      ], xs.filter((_, number) => number % every === 0), { index: 0, way: 1 }));
    });
    return part;
  }

  // --------------------------------------------------------------------------------------------------- two models

  const pair = ["A", "B"].map((letter, number) => make(
    "select", { id: `model-${letter}`, on: { change: () => showTwo() } },
    ...models.map((name, index) => make("option", { value: index, selected: index === Math.min(number, models.length - 1) }, name)),
  ));
  const twoTables = make("div");
  /** How good a value is: 1 at the good value and beyond, 0 at the bad one, below 0 beyond that. */
  function worth(metric, value) {
    const on = (number) => metric.logarithmic ? Math.log(Math.max(number, 1e-300)) : number;
    return Math.min((on(value) - on(metric.bad)) / (on(metric.good) - on(metric.bad)), 1);
  }
  const winner = (a, b) => a === null || b === null ? "–" : Math.abs(a - b) < 1e-9 ? "equal" : a > b ? "A" : "B";

  function showTwo() {
    const [a, b] = pair.map((select) => Number(select.value));
    const columns = (first) => [
      { title: first, head: true, value: (row) => row.name },
      { title: "A", number: true, value: (row) => row.a, cell: (row) => row.show(row.a) },
      { title: "B", number: true, value: (row) => row.b, cell: (row) => row.show(row.b) },
      {
        title: "B - A", number: true, value: (row) => row.a === null || row.b === null ? null : row.b - row.a,
        cell: (row) => row.a === null || row.b === null ? "–" : row.show(row.b - row.a),
      },
      { title: "Better", value: (row) => row.better },
      { title: "Systems", text: true, value: (row) => row.systems },
    ];
    const chosen = [...state.benchmarks].map((index) => benchmarks[index]);
    const scores = chosen.map((benchmark) => {
      const [one, other] = [benchmark.runs[a], benchmark.runs[b]];
      const wins = { A: 0, B: 0, equal: 0, "–": 0 };
      if (one && other) benchmark.systems.forEach((_, n) => { wins[winner(one.scores[n], other.scores[n])] += 1; });
      const [left, right] = [one?.score ?? null, other?.score ?? null];
      return {
        name: benchmark.title, a: left, b: right, better: winner(left, right), show: score,
        systems: one && other ? `A better in ${wins.A}, B in ${wins.B}, equal in ${wins.equal}` : "no record of both",
      };
    });
    const details = chosen.filter((benchmark) => benchmark.runs[a] && benchmark.runs[b]).map((benchmark) => {
      const rows = benchmark.metrics.map((metric, number) => {
        const [one, other] = [benchmark.runs[a].values[number], benchmark.runs[b].values[number]];
        const both = benchmark.systems.map((_, n) => n).filter((n) => one[n] !== null && other[n] !== null);
        const [left, right] = [mean(both.map((n) => one[n])), mean(both.map((n) => other[n]))];
        return {
          name: withUnit(metric.name, metric.unit), a: left, b: right, show,
          better: both.length ? winner(worth(metric, left), worth(metric, right)) : "–",
          systems: `mean over ${both.length} that both have`,
        };
      });
      return table(`Metrics of ${benchmark.title}`, columns("Metric"), rows);
    });
    twoTables.replaceChildren(
      make("p", {}, `A is ${models[a]}, B is ${models[b]}.`),
      table("Scores", columns("Benchmark"), scores),
      ...details.flatMap((each) => [make("p"), each]),
    );
  }

  // ------------------------------------------------------------------------------------------------------ missing

  const missingTable = make("div");
  function showMissing() {
    const rows = [];
    for (const model of state.models) {
      for (const index of state.benchmarks) {
        const benchmark = benchmarks[index];
        const run = benchmark.runs[model];
        const add = (what, why, systems, points = null) => rows.push({ model, index, what, why, systems, points });
        if (!run) {
          add("no record", "The benchmark was not run, or its record was not given.", benchmark.systems.map((_, n) => n));
          continue;
        }
        for (const [kind, why, systems] of run.failures) add(`failed: ${kind}`, why, systems);
        for (const [why, systems] of run.missing) {
          add("missing points", why, systems.map(([number]) => number), new Map(systems));
        }
        const failed = new Set(run.failures.flatMap((failure) => failure[2]));
        run.values.forEach((values, number) => {
          const systems = [...values.keys()].filter((n) => values[n] === null && !failed.has(n));
          if (systems.length) add("no value", `${spaced(benchmark.metrics[number].name)} is not defined for the result`, systems);
        });
      }
    }
    missingTable.replaceChildren(rows.length ? table("Missing by model; equal reasons stand together", [
      modelColumn,
      { title: "Benchmark", value: (row) => benchmarks[row.index].title },
      { title: "What", value: (row) => row.what },
      { title: "Why", text: true, value: (row) => row.why },
      { title: "Number", number: true, down: true, value: (row) => row.systems.length, cell: (row) => String(row.systems.length) },
      {
        title: "Systems", text: true, value: (row) => row.systems.length,
        cell: ({ index, systems, points }) => {
          const names = benchmarks[index].systems;
          if (points) return systems.map((number) => `${names[number]} (${points.get(number)})`).join("; ");
          return systems.length === names.length && systems.length > 1 ? "all" : systems.map((number) => names[number]).join(", ");
        },
      },
    ], rows) : make("p", {}, "Nothing is missing of these models and benchmarks."));
  }

  // --------------------------------------------------------------------------------------------------------- made

  function showMade() {
    const pairs = (texts) => texts.map(([name, value]) => name ? `${name}: ${value}` : value).join("\n") || "none";
    const runs = benchmarks.flatMap((benchmark) => benchmark.runs.flatMap((run, model) => run ? [{ model, benchmark, run }] : []));
    const time = (text) => make("time", { datetime: text }, text.replace("T", " ").slice(0, 19));
    return [
      make("h3", {}, "Protocols"),
      table("Protocols; runs are comparable if their digests are equal", [
        { title: "Benchmark", head: true, value: (row) => row.title },
        { title: "Set of systems", value: (row) => row.size },
        { title: "Parameters", text: true, value: (row) => pairs(row.parameters) },
        { title: "Digest", text: true, value: (row) => row.protocol },
      ], benchmarks),
      make("h3", {}, "Runs"),
      table("Runs, times in UTC", [
        modelColumn,
        { title: "Benchmark", value: (row) => row.benchmark.title },
        { title: "Start", value: (row) => row.run.start, cell: (row) => time(row.run.start) },
        { title: "End", value: (row) => row.run.end, cell: (row) => time(row.run.end) },
        { title: "Calculations (s)", number: true, down: true, value: (row) => row.run.seconds, cell: (row) => show(row.run.seconds) },
        { title: "Machine", number: true, value: (row) => row.run.machine, cell: (row) => String(row.run.machine + 1) },
      ], runs),
      make("h3", {}, "Machines"),
      table("Versions and hardware", [
        { title: "Machine", head: true, value: (row) => row.number, cell: (row) => String(row.number) },
        { title: "What it had", text: true, value: (row) => row.text },
      ], machines.map((machine, number) => ({ number: number + 1, text: machine.length ? pairs(machine) : "unknown: the model could not be made" }))),
    ];
  }

  // -------------------------------------------------------------------------------------------------------- start

  function showAll() {
    showBoard();
    parts.forEach((part) => part.refresh());
    showTwo();
    showMissing();
  }
  const filter = find("models");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
    state.models = [...models.keys()].filter((model) => (
      !wanted.length || wanted.some((word) => models[model].toLowerCase().includes(word))
    ));
    showAll();
    say(`${plural(state.models.length, "model")} of ${models.length} shown`);
  });
  find("choice").addEventListener("submit", (event) => event.preventDefault());
  benchmarks.forEach((benchmark, index) => find("chosen").append(make("label", {}, make("input", {
    type: "checkbox",
    checked: true,
    on: {
      change: (event) => {
        const chosen = new Set(state.benchmarks);
        if (event.target.checked) chosen.add(index); else chosen.delete(index);
        state.benchmarks = new Set([...chosen].sort((a, b) => a - b));
        showAll();
        say(`${plural(state.benchmarks.size, "benchmark")} of ${benchmarks.length} shown`);
      },
    },
  }), ` ${benchmark.title}`)));

  const theme = find("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `${theme.textContent} colours`); };
  const stored = (action) => { try { return action(localStorage); } catch { return null; } };  // a browser may refuse it
  const kept = stored((storage) => storage.getItem("adatom-theme"));
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    stored((storage) => storage.setItem("adatom-theme", document.documentElement.dataset.theme));
    nameTheme();
  });
  dark.addEventListener("change", nameTheme);
  nameTheme();

  find("benchmarks").append(...parts);
  find("two").append(
    make("div", { class: "pair" }, ...pair.map((select, number) => make("label", {}, `Model ${"AB"[number]} `, select))),
    twoTables,
  );
  find("missing").append(missingTable);
  find("made").append(...showMade());
  for (const id of ["theme", "choice", "benchmarks", "two", "missing", "made"]) find(id).hidden = false;
  if (parts.length === 1) parts[0].open = true;
  showAll();
  document.documentElement.dataset.ready = "";
})();
