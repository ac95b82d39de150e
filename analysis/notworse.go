package analysis

import (
	"fmt"
)

// Defaults of NotWorse.
const (
	// DefaultDetect is the odds ratio from which on a release must not pass.
	DefaultDetect = 2.0
	// DefaultTolerate is the odds ratio up to which a release must not fail.
	DefaultTolerate = 1.1
	// mostRatio is what no release is asked to be told from.
	mostRatio = 1000.0
	// DefaultNegligible is the error rate below which a release needs no
	// comparison to pass: one in a thousand.
	DefaultNegligible = 0.001
	// DefaultHorizon is the planned number of observations: half an hour, at
	// one every ten seconds.
	DefaultHorizon = 180
)

// NotWorse judges whether the canary is worse than the baseline over the same time. It
// weighs evidence, and may be looked at after every observation:
//
//   - Fail as soon as the evidence of harm reaches 1/Alpha. A release that is at most
//     Tolerate times worse than the baseline is failed with a probability of at most
//     Alpha.
//   - Pass once the evidence that the release is safe has reached 1/Beta. There
//     are two ways to be safe: not to be Detect times worse than the baseline, or
//     to have errors below the rate Negligible. A release that is neither, whose
//     odds of an error are Detect times the baseline's or more and whose error
//     rate is Negligible or more, all the while, is passed with a probability of
//     at most Beta.
//   - Undecided until then, with an estimate of what is still missing.
//
// Harm is watched after a pass, too, and can still fail the release. While it
// is under suspicion (the evidence of harm is at the geometric mean of 1 and
// what would fail it, or above) it does not pass.
//
// The baseline should be the whole stable fleet: what moves both arms (time of day, an
// outage of a dependency) cancels out exactly, whatever the traffic split, and
// also when it changes during the rollout.
//
// # What it takes
//
// Counts of events among requests are compared by their odds, p/(1−p), for rare errors
// the same as their rate p. Where the observation has slices that make up the whole, the
// arms are compared within each: a canary that gets more of the traffic that always
// fails does not look bad for that.
//
// Histograms are compared by the odds of a request to be above a boundary, at each of
// them. A release fails on the mean of their evidence, and passes when it is safe at
// every boundary: not Detect times worse there, or with less than Negligible above it,
// or none of the baseline's requests to speak of below it.
//
// Values are compared by their ratio, which must be positive: with Detect 2, twice the
// queue. That takes an A/A window, see below. Set LowerIsWorse for orders per minute.
//
// # Services with few errors
//
// Where neither arm shows any errors, there is nothing to compare: twice nothing
// is nothing. Such a canary passes on its own error rate, without any baseline,
// once it is shown to be below Negligible. With no errors at all that takes about
// ln(2.7/Beta)/Negligible canary requests, 3,988 by default. The evidence is the
// mean of that of the two ways to be safe: a release that is neither of them is
// one against which each is an e-process, and then so is their mean. The price is
// that a service with many errors needs about a quarter more requests to pass than
// with Negligible switched off.
//
// A negligible rate spares the comparison, and excuses nothing: a release that is
// shown to be worse fails, however rare its errors are. Ten times as many of very
// few are a new way to fail, it takes many requests to see that, and to hold it
// against a fixed rate would make a regression that begins late hard to see. What
// may be worse is for Tolerate to say. It follows that a release below Negligible
// may pass the gates of early waves and be failed in a later one: with the
// default, one that goes from 0.01% to 0.05% will. Set Negligible as strict as the
// service is.
//
// # What it assumes, and the A/A window
//
// The error rates hold when the arms differ by the release alone, and requests
// fail independently of each other. A canary on worse hardware, with cold
// caches, or with errors that come in bursts looks like a bad release, to this
// and to every other test. So a gate compares the arms before the rollout, while both
// run the old version (Gate.Compare, Calibrate), and Arms tells the judge:
//
//   - They differ by chance alone. An exact test, which is the quickest there is
//     (evidence.Spending), gets seven tenths of α, and the e-process the rest.
//   - They differ by little more, or nobody knows: the e-process has all of α.
//   - They differ by noise of their own: it is allowed for (evidence.RandomEffects),
//     and it takes longer to see a regression.
//   - They differ by more than releases do: nothing passes, and the verdict is
//     Inconclusive.
//
// Verdict.Calibration says which, and "not calibrated" if nobody compared them. What
// half an hour of A/A window is worth, simulated at α = 1% (5,000 rollouts each, go test
// ./analysis -run SimulatedArms -v -args -long):
//
//	noise of its own in each arm        falsely failed, with the window and without
//	none                                0.3 to 0.7%    0.1 to 0.5%
//	20% or 50%, new every interval      0.0 to 0.6%    1.3 to 100%
//	20% or 50%, that stays for minutes  0.5 to 1.2%    51 to 100%
//
// A release with five times the errors was found within half an hour all the same, but
// for one in ten where noise of 50% stays. The arms that are compared beforehand are those
// of the first wave; in later ones the noise of single targets averages out, and the
// judge is more careful than it need be.
//
// What differs between the arms for good cannot be told from a regression by anybody; a
// higher Tolerate, a warm-up or more canary targets help. Between two bursts even a bad
// release looks negligible: have Bake.AtLeast outlast them. A counter that counts the
// wrong thing looks like a service without errors, and passes: let the check see a bad
// release once.
//
// An observation with an error, or without canary data, is no evidence. Samples of
// another kind than the first make the verdict an Error.
//
// # The last wave
//
// When everybody runs the new version, there is no baseline left. What the release has
// shown before still holds, but what breaks in the last wave alone (a kind of target
// that the others lacked, a lack of capacity, a stampede) can only be held against what
// the baseline was: its rate over the whole rollout, and the most that it ever was, in
// blocks of at least 50 events. A last wave with a gate of its own has no such memory,
// and can only pass by Negligible. Memory does not cancel what would have moved both, so
// the margin is wide:
//
//   - Fail if the odds are beyond Detect times the most that the baseline was, and twice
//     that for drift. It takes evidence of 200/Alpha (evidence.Onset), more each time
//     that the baseline is lost and at each boundary of a histogram, and two observations
//     in a row.
//   - No pass while the odds are of late more than Detect times what the baseline was on
//     the whole, and twice at least, unless it was like that at times itself. In
//     doubt, the gate waits, up to its deadline.
//   - Pass once that is not so, and the odds are shown to be below those that fail:
//     evidence of 1/Beta, which takes a few events' worth of requests.
//
// Below Negligible, nothing is held or failed by memory. A gauge fails with three values
// in a row that are beyond the limit, and needs three in a row without a doubt to pass.
//
// This adds at most a hundredth of Alpha to the false fails of counts and histograms,
// as long as no request's odds are beyond the limit, whatever they do below; a gauge
// that stays within the limit is not failed at all. A release beyond the limit from
// the first observation without a baseline on passes with a probability of at most
// Beta, if its requests fail independently. In between nothing is promised: what is
// two to four times worse is held most of the time, and may have a moment in which
// it passes. Nor is anything promised where something else breaks in the last wave: an
// outage of what everybody depends on cannot be told from the release then, and fails
// it. A plan that leaves a few targets for a wave after the last gate keeps its baseline.
//
// Simulated with half an hour of a last wave, after ten minutes of both arms, for counts
// of four services, one without errors, a histogram and a gauge (5,440 rollouts or more
// each, and 900 where the release is worse; go test ./analysis -run 'Simulated.*LastWave' -v -args -long):
//
//	the last wave is                       failed         passed at some time
//	as the waves before                    none           all, most after 1 to 3 observations
//	busier: twice the load, +50% errors    none           all, most after 1 to 3
//	noisy: 20%, new every observation      none           all, most after 1 to 3
//	busier and noisy                       none           all, 9 of 10 within 6
//	3 times worse                          none           0 to 16%
//	5 times worse                          0 to 100%      0 to 0.1%
//	10 times worse                         99 to 100%     none
//	50 times worse                         all            none
//
// In the median, the fails of the last two came after 2 to 5 observations. At 5 times, it
// is a matter of how well the baseline was known: with few errors, the most that it was
// is high by chance.
//
// The zero value is ready to use. The evidence is explained in package
// evidence. A NotWorse may be used by many goroutines at once, its trials by one
// each.
type NotWorse struct {
	// Detect is how many times worse the plan cares about: an odds ratio, or that of
	// values. It must be more than Tolerate. Zero means DefaultDetect.
	Detect float64
	// Tolerate is how many times worse nobody minds, 1 or more. Builds always
	// differ a little, and with 1 a busy service finds out. Zero means
	// DefaultTolerate.
	Tolerate float64
	// Negligible is an error rate, below 1, so low that there is no need to compare.
	// A canary that is shown to be below it passes, unless it is under suspicion,
	// or shown to be worse. Take what the service's objective allows, or less: at most 0.001 for
	// one that is to succeed 99.9% of the time. Higher decides sooner. Zero means
	// DefaultNegligible; negative means that no rate is negligible, so that a
	// service without errors never passes.
	Negligible float64
	// Alpha and Beta bound how often a tolerable release fails, and how often a
	// harmful one passes, as said above: probabilities over the whole trial. Zero
	// means DefaultAlpha and DefaultBeta. In a gate, the gate's share takes their
	// place.
	Alpha, Beta float64
	// Horizon is the planned number of observations. A regression that begins
	// late is found sooner if it begins within it. The error rates hold beyond
	// it. Zero means DefaultHorizon; 1 expects a regression to show from the
	// start.
	Horizon int
	// LowerIsWorse is for values of which less is worse, such as orders per minute.
	// Counts and histograms always hold what is bad.
	LowerIsWorse bool
	// Arms is how comparable the arms are, from an A/A window before the rollout
	// (Calibrate). A gate fills it in. Zero means that nobody has compared them.
	Arms Calibration
}

// Share returns the judge for these error rates.
func (j NotWorse) Share(alpha, beta float64) Judge {
	j.Alpha, j.Beta = alpha, beta
	return j
}

// Calibrate returns the judge for arms that differ by as much.
func (j NotWorse) Calibrate(arms Calibration) Judge {
	j.Arms = arms
	return j
}

// Problems reports what is wrong with the settings.
func (j NotWorse) Problems(report func(path, msg string)) {
	d := j.withDefaults()
	switch {
	case !(d.Tolerate >= 1 && d.Tolerate < mostRatio):
		report("Tolerate", fmt.Sprintf("is %v: want an odds ratio of 1 or more, such as %v", d.Tolerate, DefaultTolerate))
	case !(d.Detect > d.Tolerate && d.Detect <= mostRatio):
		report("Detect", fmt.Sprintf("is %v: want an odds ratio of more than what is tolerated, %v, and at most %v", d.Detect, d.Tolerate, mostRatio))
	}
	if !(j.Negligible < 1) {
		report("Negligible", fmt.Sprintf("is %v: want a rate below 1, such as %v, or a negative one for none", j.Negligible, DefaultNegligible))
	}
	reportRates(report, j.Alpha, j.Beta)
	if j.Horizon < 0 {
		report("Horizon", fmt.Sprintf("is negative (%d)", j.Horizon))
	}
}

func (j NotWorse) withDefaults() NotWorse {
	j.Detect, j.Tolerate = orDefault(j.Detect, DefaultDetect), orDefault(j.Tolerate, DefaultTolerate)
	j.Negligible, j.Horizon = orDefault(j.Negligible, DefaultNegligible), orDefault(j.Horizon, DefaultHorizon)
	j.Alpha, j.Beta = orDefault(j.Alpha, DefaultAlpha), orDefault(j.Beta, DefaultBeta)
	return j
}

// Begin starts a trial. With settings that have Problems, all its verdicts are
// Error. The Trial is a Weigher.
func (j NotWorse) Begin() Trial {
	if problem := firstProblem("NotWorse", j); problem != "" {
		return unusable(problem)
	}
	return &notWorseTrial{NotWorse: j.withDefaults()}
}
