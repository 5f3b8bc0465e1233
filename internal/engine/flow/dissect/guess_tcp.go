package dissect

// probes are tried in this order; the first that does not say no decides.
var probes = [...]probe{}
