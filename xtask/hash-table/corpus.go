package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
)

// One line per template: {"hash": .., "collisions": .. (when present), "template": ..}. The templates are as a user might
// write them: shuffled keys, nulls, empty members, odd spellings. The hash is of what Go's encoder prints for them.
func printCorpus(out io.Writer, count int) error {
	g := &generator{random: newRandom(1), uses: map[string]int{}}
	for i := range count {
		template := g.object(reflect.TypeFor[corev1.PodTemplateSpec](), 0)
		var text bytes.Buffer
		g.write(&text, template)
		var collisions *int32
		if i%5 == 0 {
			collisions = new(int32)
			*collisions = int32(i / 5 % 7)
		}
		hash, err := templateHash(text.Bytes(), collisions)
		if err != nil {
			return fmt.Errorf("%w in %s", err, text.Bytes())
		}
		fmt.Fprintf(out, `{"hash":%q,`, hash)
		if collisions != nil {
			fmt.Fprintf(out, `"collisions":%d,`, *collisions)
		}
		fmt.Fprintf(out, "\"template\":%s}\n", text.Bytes())
	}
	t := drawTable(reflect.TypeFor[corev1.PodTemplateSpec]())
	for _, name := range t.order {
		for _, f := range t.types[name] {
			if g.uses[name+"."+f.name] < 10 {
				return fmt.Errorf("%s.%s occurs only %d times", name, f.name, g.uses[name+"."+f.name])
			}
		}
	}
	return nil
}

// A stored object on its way to a hash: JSON, untyped, typed, JSON.
func templateHash(text []byte, collisions *int32) (string, error) {
	encoded, err := encodeTemplate(text)
	if err != nil {
		return "", err
	}
	sum := fnv.New32a()
	sum.Write(encoded)
	if collisions != nil {
		count := make([]byte, 8)
		binary.LittleEndian.PutUint32(count, uint32(*collisions))
		sum.Write(count)
	}
	return utilrand.SafeEncodeString(strconv.FormatUint(uint64(sum.Sum32()), 10)), nil
}

func encodeTemplate(text []byte) ([]byte, error) {
	var untyped map[string]any
	if err := utiljson.Unmarshal(text, &untyped); err != nil {
		return nil, err
	}
	var typed corev1.PodTemplateSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(untyped, &typed); err != nil {
		return nil, err
	}
	return json.Marshal(&typed)
}

// Spellings of quantities, one per line: the JSON text, a tab, and the JSON text that Kubernetes prints for it, or "error".
func printQuantities(out io.Writer, count int) error {
	g := &generator{random: newRandom(2)}
	for i := range count {
		var spelling any
		switch {
		case i%4 == 0:
			spelling = g.wildQuantity()
		default:
			spelling = g.quantity()
		}
		text, err := json.Marshal(spelling)
		if err != nil {
			return err
		}
		var quantity resource.Quantity
		printed := []byte("error")
		if err := json.Unmarshal(text, &quantity); err == nil {
			if printed, err = json.Marshal(quantity); err != nil {
				return err
			}
		}
		fmt.Fprintf(out, "%s\t%s\n", text, printed)
	}
	return nil
}

func newRandom(seed int64) *rand.Rand { return rand.New(rand.NewSource(seed)) }

type generator struct {
	random *rand.Rand
	uses   map[string]int // by type and field, so that every field gets its share
}

func (g *generator) one(in int) bool { return g.random.Intn(in) == 0 }

func pick[T any](g *generator, of []T) T { return of[g.random.Intn(len(of))] }

type null struct{}

// A value for every kind of Go type, as an untyped tree; null{} stands for null.
func (g *generator) value(typ reflect.Type, depth int) any {
	switch leaves[typ] {
	case "quantity":
		return g.validQuantity()
	case "int-or-string":
		if g.one(2) {
			return g.text()
		}
		return int64(g.random.Intn(70000))
	case "time":
		return pick(g, []string{"2024-02-29T23:59:59Z", "2026-11-23T05:28:51+01:00", "1999-12-31T00:00:00.75Z", "2026-01-02T03:04:05-07:30"})
	case "raw":
		return map[string]any{"f:z": map[string]any{}, "f:a": pick(g, []any{int64(3), 1.5, 1e21, "<a>", nil, []any{}, true})}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return g.value(typ.Elem(), depth)
	case reflect.String:
		return g.text()
	case reflect.Bool:
		return g.one(2)
	case reflect.Int32, reflect.Int64:
		n := pick(g, []int64{0, 0, 1, 7, 420, 8080, -1, 2147483647, int64(g.random.Intn(100000))})
		if g.one(30) {
			return float64(n)
		}
		return n
	case reflect.Slice:
		list := []any{}
		for range pick(g, []int{0, 1, 1, 1, 1, 2}) {
			if g.one(60) {
				list = append(list, null{})
			} else {
				list = append(list, g.value(typ.Elem(), depth+1))
			}
		}
		return list
	case reflect.Map:
		object := map[string]any{}
		for range pick(g, []int{0, 1, 1, 2, 3}) {
			object[g.key()] = g.value(typ.Elem(), depth+1)
		}
		return object
	case reflect.Struct:
		return g.object(typ, depth+1)
	}
	panic(typ.String())
}

// How often the least used field in a type, or in the types below it, has been used.
func (g *generator) leastUse(typ reflect.Type) int {
	least := math.MaxInt
	for _, f := range fieldsOf(typ) {
		least = min(least, g.leastUseOf(typ, f))
	}
	return least
}

func (g *generator) leastUseOf(typ reflect.Type, f field) int {
	least := g.uses[typ.Name()+"."+f.name]
	if below := structIn(f.typ); below != nil {
		least = min(least, g.leastUse(below))
	}
	return least
}

// The field that leads to the least used one always, the others rarely and the deeper the rarer.
func (g *generator) object(typ reflect.Type, depth int) map[string]any {
	object := map[string]any{}
	fields := fieldsOf(typ)
	least := slices.MinFunc(fields, func(a, b field) int { return g.leastUseOf(typ, a) - g.leastUseOf(typ, b) })
	for _, f := range fields {
		switch {
		case f.name == least.name && (depth < 4 || !g.one(3)):
		case depth == 0, !strings.Contains(f.flags, "omit") && !g.one(8):
		case g.one(3 + 3*depth):
		default:
			continue
		}
		if g.one(40) {
			object[f.name] = null{}
			continue
		}
		g.uses[typ.Name()+"."+f.name]++
		object[f.name] = g.value(f.typ, depth)
	}
	return object
}

var texts = []string{
	"", "", "a", "app", "nginx:1.19-alpine", "TCP", "http", "/var/lib", "10", "true", "null", "x<y>&z", "\"quoted\" \\ back/slash",
	"tab\tnewline\nreturn\rback\bfeed\f", "\x00\x01\x1f\x7f", "héllo", "日本語", "😀", "line\u2028para\u2029end", "\ufffd\ufeff", "\u0080\u00a0",
	"echo \"$HOME\" && exec < /dev/null > /tmp/out", "'single'", "{}", "[1, 2]", "0.5", " padded ",
}

func (g *generator) text() string {
	if g.one(3) {
		return fmt.Sprintf("v%d", g.random.Intn(1000))
	}
	return pick(g, texts)
}

func (g *generator) key() string {
	return pick(g, []string{"app", "cpu", "memory", "Zone", "a.b/c", "a-b", "é", "z<", "日本", "😀", "\ufb01", "k1", "k10", "k2", ""})
}

func (g *generator) quantity() any {
	if g.one(6) {
		return pick(g, []any{int64(1), int64(0), int64(1000), int64(-5), 0.5, 1.25, 1000.0, 1e18, 1e20, 1e21, 1e-7, 0.1, 123456789012.5})
	}
	number := strconv.Itoa(g.random.Intn(pick(g, []int{3, 100, 1100, 100000, 2000000000})))
	if g.one(3) {
		number = pick(g, []string{"1000", "1024", "2048", "1048576", "100", "500", "1500", "1000000", "9223372036854775807", "9223372036854775808", "123456789012345678901234567890"})
	}
	if g.one(4) {
		number += "." + pick(g, []string{"", "0", "5", "25", "500", "000", "001", "123456789", "1234567891", "999999999999", "0000000001"})
	}
	if g.one(12) {
		number = pick(g, []string{"0", "00", "007", "-", "+", ".5", "-0", "0.", "000.100"}) + number
	}
	number = pick(g, []string{"", "", "", "", "-", "+"}) + number
	return number + pick(g, []string{"", "", "m", "m", "u", "n", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E3", "e-2", "e0", "e12", "E-12", "e+5", "e21"})
}

func (g *generator) validQuantity() any {
	for {
		spelling := g.quantity()
		if _, err := resource.ParseQuantity(strings.TrimSpace(fmt.Sprint(spelling))); err == nil {
			return spelling
		}
	}
}

// Mostly not a quantity.
func (g *generator) wildQuantity() any {
	var text strings.Builder
	for range g.random.Intn(7) {
		text.WriteString(pick(g, []string{"0", "1", "7", "1000", ".", "-", "+", "e", "E", "i", "K", "Ki", "m", "k", "M", " ", "x"}))
	}
	return text.String()
}

// Prints a tree with shuffled keys and a random choice among the spellings of a string.
func (g *generator) write(out *bytes.Buffer, value any) {
	switch value := value.(type) {
	case null, nil:
		out.WriteString("null")
	case map[string]any:
		keys := []string{}
		for key := range value {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		g.random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		out.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				out.WriteByte(',')
			}
			g.write(out, key)
			out.WriteByte(':')
			g.write(out, value[key])
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				out.WriteByte(',')
			}
			g.write(out, item)
		}
		out.WriteByte(']')
	case float64:
		text := strconv.FormatFloat(value, pick(g, []byte{'e', 'g'}), -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		out.WriteString(text)
	default:
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(g.one(2))
		if err := encoder.Encode(value); err != nil {
			panic(err)
		}
		out.Truncate(out.Len() - 1)
	}
}
