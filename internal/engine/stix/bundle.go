package stix

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ReadObserved gathers the observations of bundles: each observed-data with
// the objects of its bundle (STIX 2.1: object_refs) or of its own (STIX 2.0:
// objects). What is no bundle, or names no time, is an error.
func ReadObserved(bundles []json.RawMessage) ([]Observed, error) {
	var all []Observed
	for _, raw := range bundles {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var b struct {
			Objects []map[string]any `json:"objects"`
		}
		if err := d.Decode(&b); err != nil {
			return nil, errors.New("stix: not a bundle")
		}
		objects := make(map[string]map[string]any, len(b.Objects))
		for _, o := range b.Objects {
			if id, ok := o["id"].(string); ok {
				objects[id] = o
			}
		}
		for _, o := range b.Objects {
			if o["type"] != "observed-data" {
				continue
			}
			seen, err := observed(o, objects)
			if err != nil {
				return nil, err
			}
			all = append(all, seen)
		}
	}
	return all, nil
}

func observed(o map[string]any, objects map[string]map[string]any) (seen Observed, err error) {
	first, _ := o["first_observed"].(string)
	last, _ := o["last_observed"].(string)
	count, _ := o["number_observed"].(json.Number)
	var ok1, ok2 bool
	seen.First, ok1 = parseTime(first)
	seen.Last, ok2 = parseTime(last)
	seen.Count, err = count.Int64()
	if !ok1 || !ok2 || err != nil || seen.Count < 1 {
		return seen, errors.New("stix: an observed-data without first_observed, last_observed or number_observed")
	}
	seen.Objects = map[string]map[string]any{}
	if own, ok := o["objects"].(map[string]any); ok {
		for id, v := range own {
			if m, ok := v.(map[string]any); ok {
				seen.Objects[id] = m
			}
		}
	}
	refs, _ := o["object_refs"].([]any)
	for _, r := range refs {
		id, _ := r.(string)
		if m, ok := objects[id]; ok {
			seen.Objects[id] = m
		}
	}
	return seen, nil
}
