package jsonapi

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tidegate-go/tidegate/analysis"
)

// Figures says where in an answer the figures of one arm are: Events and Total,
// such as errors and requests, or a Value, such as a latency.
type Figures struct {
	Events, Total Figure
	Value         Figure
}

// Figure says where in an answer one number is.
type Figure struct {
	// Path is a JSON pointer (RFC 6901), such as /results/0/count. The first element
	// of an array is 0; in a name, ~1 stands for / and ~0 for ~.
	Path string
	// Pick says that an index in Path may pick one of several elements.
	Pick bool
	// Take says what to take where Path leads to an array of numbers, or of what Item
	// makes them. The zero Take has an array refused.
	Take Take
	// Item is a JSON pointer within each element of the array, such as /1 for pairs of
	// time and value. Empty means that the elements are the numbers.
	Item string
}

// Take is a rule for an array of numbers. It never skips what is missing: a null
// that is to be taken is analysis.ErrNoData.
type Take uint8

const (
	// Refuse wants a number, and no array. It is the zero Take.
	Refuse Take = iota
	// First takes the first element, for an API that answers with the newest first.
	First
	// Last takes the last element.
	Last
	// Sum adds up all elements.
	Sum
)

// String returns the rule's name.
func (t Take) String() string {
	switch t {
	case Refuse:
		return "refuse"
	case First:
		return "first"
	case Last:
		return "last"
	case Sum:
		return "sum"
	}
	return "Take(" + strconv.Itoa(int(t)) + ")"
}

// sample takes the figures from an answer.
func (f Figures) sample(root any, stringsToo bool) (analysis.Sample, error) {
	if f.Value != (Figure{}) {
		value, err := f.Value.number(root, stringsToo)
		return analysis.Gauge(value), err
	}
	total, err := f.Total.count(root, stringsToo)
	if err != nil {
		return analysis.Sample{}, err
	}
	events, err := f.Events.count(root, stringsToo)
	if err != nil {
		return analysis.Sample{}, err
	}
	if events > total {
		return analysis.Sample{}, fmt.Errorf("%d events at %s among a total of %d at %s", events, f.Events.Path, total, f.Total.Path)
	}
	return analysis.Counts(events, total), nil
}

// count takes a whole number from an answer.
func (f Figure) count(root any, stringsToo bool) (uint64, error) {
	const most = 1 << 53 // beyond it a float64 is not exact
	value, err := f.number(root, stringsToo)
	switch {
	case err != nil:
		return 0, err
	case value < 0 || value > most || value != float64(uint64(value)):
		return 0, fmt.Errorf("%s at %s is no count: want a whole number from 0 to 2^53", strconv.FormatFloat(value, 'g', -1, 64), f.Path)
	}
	return uint64(value), nil
}

// number takes a number from an answer.
func (f Figure) number(root any, stringsToo bool) (float64, error) {
	found, err := mustPointer(f.Path).find(root, f.Pick)
	if err != nil {
		return 0, err
	}
	list, ok := found.([]any)
	if !ok {
		if f.Take != Refuse {
			return 0, fmt.Errorf("%s at %s, and no array to take the %s of", kind(found), f.Path, f.Take)
		}
		return number(found, f.Path, stringsToo)
	}
	if len(list) == 0 && f.Take != Refuse {
		return 0, noData(f.Path, "an empty array")
	}
	switch f.Take {
	case First:
		return f.item(list, 0, stringsToo)
	case Last:
		return f.item(list, len(list)-1, stringsToo)
	case Sum:
		sum := 0.0
		for i := range list {
			v, err := f.item(list, i, stringsToo)
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return finite(sum, f.Path)
	}
	return 0, fmt.Errorf("an array of %d elements at %s: set Take to say which", len(list), f.Path)
}

// item takes a number from one element.
func (f Figure) item(list []any, i int, stringsToo bool) (float64, error) {
	at := f.Path + "/" + strconv.Itoa(i)
	found, err := mustPointer(f.Item).find(list[i], true)
	if err != nil {
		return 0, fmt.Errorf("in the element at %s: %w", at, err)
	}
	return number(found, at+f.Item, stringsToo)
}

// problems reports everything that is wrong with the figures of an arm.
func (f Figures) problems(arm string, report func(path, msg string)) {
	counts := f.Events != Figure{} || f.Total != Figure{}
	switch value := (f.Value != Figure{}); {
	case value && counts:
		report(arm, "has both a Value and counts (Events and Total): want one of them")
	case value:
		f.Value.problems(arm+".Value", report)
	case !counts:
		report(arm, "is empty: want Events and Total, or a Value")
	default:
		f.Events.problems(arm+".Events", report)
		f.Total.problems(arm+".Total", report)
		if f.Events == f.Total {
			report(arm+".Events", "is where Total is: every request would count as an error")
		}
	}
}

func (f Figure) problems(path string, report func(path, msg string)) {
	if f == (Figure{}) {
		report(path, "is empty: want the path of a number")
		return
	}
	if _, err := newPointer(f.Path); err != nil {
		report(path+".Path", err.Error())
	}
	if _, err := newPointer(f.Item); err != nil {
		report(path+".Item", err.Error())
	}
	if f.Take > Sum {
		report(path+".Take", fmt.Sprintf("unknown rule %d", f.Take))
	}
	if f.Item != "" && f.Take == Refuse {
		report(path+".Item", "is for the elements of an array, but Take is not set")
	}
}

// errPointer is what is wrong with a pointer.
var errPointer = errors.New("is no JSON pointer: want one that begins with / and in which each ~ is followed by 0 or 1, such as /results/0/count")
