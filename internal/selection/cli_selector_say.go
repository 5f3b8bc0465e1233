package selection

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/selector"
)

// maxPlaces bounds how many broken lines of a list are said; all are counted.
const maxPlaces = 20

// placesOf says of the first broken lines of a list what is wrong and what to
// write instead, and how many more there are.
func placesOf(r *selector.Report) (places []fault.Place) {
	for _, e := range r.Errors[:min(len(r.Errors), maxPlaces)] {
		at := fmt.Sprintf("%s:%d", filepath.Base(r.Name), e.Line)
		if e.Object != "" {
			at += " " + e.Object
		}
		code, args := problemOf(e.Err)
		places = append(places, fault.Place{At: at, Code: code, Args: args})
	}
	if more := r.Broken + r.Warned - len(places); more > 0 {
		places = append(places, fault.Place{At: filepath.Base(r.Name), Code: "selector.bad.more", Args: fault.Args{"n": more}})
	}
	return places
}

// problemOf returns the key of the sentence about one line, and its arguments.
func problemOf(err error) (code string, args fault.Args) {
	var value *selector.ValueError
	var shape *selector.ShapeError
	var warned *selector.WarnedError
	var text *selector.TextError
	switch {
	case errors.As(err, &value) && value.Remedy != "":
		return "selector.bad." + string(value.Problem), fault.Args{"value": value.Value, "remedy": value.Remedy}
	case errors.As(err, &value):
		return "selector.bad." + string(value.Problem), fault.Args{"value": value.Value}
	case errors.As(err, &shape):
		return "selector.bad." + string(shape.Problem), fault.Args{"value": shape.Value}
	case errors.As(err, &warned):
		code = "selector.bad." + string(warned.Problem)
		if warned.Problem == selector.WarnedListed && warned.BuiltIn && slices.Contains(selector.BuiltInLists(), warned.List) {
			code += "." + warned.List
		}
		return code, fault.Args{"value": warned.Value, "list": warned.List}
	case errors.As(err, &text):
		return "selector.bad.text", fault.Args{"column": text.Column, "value": text.Value}
	}
	return "selector.bad.other", fault.Args{"value": err.Error()}
}
