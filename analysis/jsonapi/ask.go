package jsonapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidegate-go/tidegate/analysis"
	"github.com/tidegate-go/tidegate/internal/httpx"
)

// question is one request, and the arms on which its answer has figures.
type question struct {
	url  *address
	arm  arm // that the URL is filled in for
	arms []figuresOf
}

// figuresOf is where the figures of an arm are.
type figuresOf struct {
	arm
	figures Figures
}

// result is what came of a question.
type result struct {
	canary, baseline analysis.Sample
	err              error
}

// questions makes the settings ready, which Problems has found good.
func (s *Source) questions() []question {
	url, _ := parseAddress("URL", s.URL)
	inCanary, inBaseline := figuresOf{canary, s.Canary}, figuresOf{baseline, s.Baseline}
	if inBaseline.figures == (Figures{}) {
		inBaseline.figures = s.Canary
	}
	if s.Both {
		return []question{{url, canary, []figuresOf{inCanary, inBaseline}}}
	}
	all := []question{{url, canary, []figuresOf{inCanary}}}
	if !s.CanaryOnly {
		if s.BaselineURL != "" {
			url, _ = parseAddress("BaselineURL", s.BaselineURL)
		}
		all = append(all, question{url, baseline, []figuresOf{inBaseline}})
	}
	return all
}

// ask puts one question and takes the figures from the answer.
func (s *Source) ask(ctx context.Context, w analysis.Window, q question) (r result) {
	if len(q.arm.of(w).Members) == 0 {
		return result{}
	}
	target, err := q.url.render(w, q.arm)
	if errors.Is(err, errTooNew) && q.arm == baseline {
		return result{}
	}
	if err != nil {
		return result{err: failed(q.arm, err)}
	}
	ctx, secrets := watchSecrets(ctx)
	resp, err := s.client.Get(ctx, target)
	if err != nil {
		return result{err: failed(q.arm, secrets.scrubError(err))}
	}
	root, err := parse(resp.Body)
	if err != nil {
		return result{err: failed(q.arm, fmt.Errorf("the answer is not JSON: %w (content type %s, beginning %s)", err,
			quote(secrets.scrub([]byte(resp.Header.Get("Content-Type")))), httpx.Excerpt(secrets.scrub(resp.Body))))}
	}
	if err := s.refused(root, secrets); err != nil {
		return result{err: failed(q.arm, err)}
	}
	for _, of := range q.arms {
		if len(of.arm.of(w).Members) == 0 {
			continue
		}
		sample, err := of.figures.sample(root, s.Strings)
		if err != nil {
			return result{err: failed(of.arm, err)}
		}
		if of.arm == canary {
			r.canary = sample
		} else {
			r.baseline = sample
		}
	}
	return r
}

// refused tells what the API says is wrong, if anything.
func (s *Source) refused(root any, secrets *secrets) error {
	if s.Refusal == "" {
		return nil
	}
	why, err := mustPointer(s.Refusal).find(root, true)
	if err != nil || isNothing(why) {
		return nil
	}
	return fmt.Errorf("the API says at %s: %s", s.Refusal, httpx.Excerpt(secrets.scrub(text(why))))
}

func failed(a arm, err error) error { return fmt.Errorf("jsonapi: the %s: %w", a, err) }
