"""Pure functions that compute properties from results: they use no engine and no files."""
