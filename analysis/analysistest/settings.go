package analysistest

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/tidegate-go/tidegate/analysis"
)

func tellsProblems(ctx context.Context, _ *bench, rig Rig) error {
	if found := problems(rig.Source.(analysis.Problemer)); len(found) > 0 {
		return fmt.Errorf("of a source that works, Problems says: %q", found)
	}
	zero, err := zeroOf(rig.Source)
	if err != nil {
		return err
	}
	var found []string
	if err := survivesCall("Problems of the zero value", func() { found = problems(zero.(analysis.Problemer)) }); err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("its Problems says nothing of the zero value")
	}
	for _, problem := range found {
		if problem == "" {
			return errors.New("its Problems has found a problem, and says nothing of it")
		}
	}
	var failed error
	if err := survivesCall("Observe of the zero value", func() { _, failed = zero.Observe(ctx, rig.window(1)) }); err != nil {
		return err
	}
	if failed == nil {
		return errors.New("its Observe of the zero value gave no error, although Problems has found some")
	}
	return nil
}

func problems(p analysis.Problemer) (found []string) {
	p.Problems(func(_, msg string) { found = append(found, msg) })
	return found
}

// zeroOf returns the zero value of a source's type.
func zeroOf(s analysis.Source) (analysis.Source, error) {
	kind := reflect.TypeOf(s)
	zero := reflect.Zero(kind)
	if kind.Kind() == reflect.Pointer {
		zero = reflect.New(kind.Elem())
	}
	source, ok := zero.Interface().(analysis.Source)
	if !ok {
		return nil, fmt.Errorf("the zero value of %T is no source", s)
	}
	return source, nil
}

func survivesCall(what string, call func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s panics: %v", what, r)
		}
	}()
	call()
	return nil
}
