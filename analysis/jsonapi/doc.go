// Package jsonapi is an analysis.Source that asks any metrics API that answers a
// GET with JSON: such as Datadog's, New Relic's, or a service of one's own.
//
//	errors := &jsonapi.Source{
//		URL: "https://api.example.com/v1/orders?version={{.Version}}&from={{.Start}}&to={{.End}}",
//		Canary: jsonapi.Figures{
//			Events: jsonapi.Figure{Path: "/orders/failed"},
//			Total:  jsonapi.Figure{Path: "/orders/all"},
//		},
//		Authorize: func(r *http.Request) error { r.Header.Set("X-Api-Key", key()); return nil },
//	}
//
// The figures are found by JSON pointers (RFC 6901). By default the URL is asked
// once for each arm; with Both, one answer holds the figures of both.
//
// # The URL
//
// It is a text/template that is filled in for each arm:
//
//	{{.Arm}}              canary or baseline
//	{{.Version}}          the version of the arm
//	{{.CanaryVersion}}    the new version
//	{{.BaselineVersion}}  the old version
//	{{.Members ","}}      the names of the arm's members, with commas between them
//	{{.Start}} {{.End}}   the window's bounds in Unix seconds, rounded down
//	{{.StartMillis}} {{.EndMillis}}  in Unix milliseconds
//	{{.StartTime}} {{.EndTime}}      in RFC 3339, to the millisecond
//	{{.Wave}}             the number of the wave, from 1
//	{{if .IsCanary}}      whether the canary is asked about
//
// Names and versions are escaped for a URL. They often stand in a query language
// there, of which this package knows nothing, so only letters, digits and any of
// "._:/@+~-" may be in them: with anything else the API is not asked. A host can't
// be filled in, so that no secret goes where nobody meant it to go. What is around
// the templates must be escaped by its writer.
//
// .Members names only those that were in their arm for the whole window
// (Member.Since), so that no traffic of the old version counts for the new. In the
// first window of a wave that may be none, which is no data. An arm without
// members is never asked about.
//
// # What is an answer
//
// Each figure is one JSON number. Numbers in strings are taken where
// Source.Strings allows it. Where a path leads to an array, Figure.Take says what
// to take from it; without that it is an error. So is an index in a path into an
// array of several elements, since these are several answers (of a query with "group
// by", say) of which one would be picked at random; Figure.Pick allows it.
//
// A path that leads nowhere, null, and an empty array are analysis.ErrNoData, and
// the error names the pointer. Anything else is an error: a text, HTML, an answer
// that breaks off, two documents, a field that is there twice, a count that is
// negative or not whole, more events than total. Many APIs report a failed query
// with status 200: set Source.Refusal to where they say so.
//
// Nothing is read as zero that is not a zero.
//
// How old the data is can't be told from an answer. Ask for a span of time, not
// for "the latest", and mind that many APIs take a minute to have it all: counts
// that arrive after their window has been asked about are counted for none.
//
// # Secrets
//
// Errors show the address without user and query, and what the server says. If it
// repeats a header of the request, that is blotted out.
package jsonapi
