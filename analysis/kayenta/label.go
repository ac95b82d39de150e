package kayenta

// Label is how one metric is classified. The zero Label is Unclassified, which
// counts against a release.
type Label uint8

const (
	// Unclassified is what no classification has said.
	Unclassified Label = iota
	// Pass means that no difference was found that matters. It does not mean that
	// there is none: few points find nothing.
	Pass
	// High means that the experiment is above the control.
	High
	// Low means that the experiment is below the control.
	Low
	// Nodata means that a side has no points. In a score it counts for nothing.
	Nodata
	// NodataFailMetric is Nodata where there must be data. It counts as a fail.
	NodataFailMetric
	// Error means that the points could not be compared. In a score it counts for
	// nothing.
	Error
)

// String returns Kayenta's word for the label, such as "NodataFailMetric".
func (l Label) String() string {
	switch l {
	case Pass:
		return "Pass"
	case High:
		return "High"
	case Low:
		return "Low"
	case Nodata:
		return "Nodata"
	case NodataFailMetric:
		return "NodataFailMetric"
	case Error:
		return "Error"
	default:
		return "Unclassified"
	}
}
