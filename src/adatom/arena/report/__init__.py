"""Tables and the page that show how models did in benchmarks."""
