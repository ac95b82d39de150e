package guardrails

import (
	"math/big"
	"math/bits"
	"strconv"
)

// share returns percent of n, rounded down, of the percentage as it was written: 33.3%
// of 1000 is 333, although the float64 next to 33.3 is a little less than that.
func share(percent float64, n int64) int64 {
	down, _ := divideShare(percent, n)
	return down
}

// shareUp is share, rounded up.
func shareUp(percent float64, n int) int {
	down, whole := divideShare(percent, int64(n))
	if whole {
		return int(down)
	}
	return int(down) + 1
}

// divideShare is share; whole says that nothing was rounded off. It does not allocate
// for what people write, and is right for everything else too.
func divideShare(percent float64, n int64) (down int64, whole bool) {
	var text [32]byte
	digits, scale := uint64(0), uint64(100) // percent/100 is digits/scale
	point := false
	for _, c := range strconv.AppendFloat(text[:0], percent, 'f', -1, 64) {
		switch {
		case c == '.':
			point = true
			continue
		case c < '0' || c > '9' || digits > 1e16 || scale > 1e17:
			return exactShare(percent, n)
		}
		digits = 10*digits + uint64(c-'0')
		if point {
			scale *= 10
		}
	}
	hi, lo := bits.Mul64(digits, uint64(n))
	if n < 0 || hi >= scale {
		return exactShare(percent, n)
	}
	quo, rest := bits.Div64(hi, lo, scale)
	if quo > uint64(n) {
		return exactShare(percent, n)
	}
	return int64(quo), rest == 0
}

// exactShare is divideShare for numbers of any length.
func exactShare(percent float64, n int64) (down int64, whole bool) {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(percent, 'g', -1, 64))
	if !ok {
		return 0, false
	}
	num := new(big.Int).Mul(r.Num(), big.NewInt(n))
	den := new(big.Int).Mul(r.Denom(), big.NewInt(100))
	quo, rest := num.DivMod(num, den, new(big.Int))
	return quo.Int64(), rest.Sign() == 0
}
