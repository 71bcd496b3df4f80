"""Extended tight binding, GFN1-xTB, GFN2-xTB and IPEA1-xTB, with tblite's `TBLite`."""
