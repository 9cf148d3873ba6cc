package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A field as encoding/json sees it: inline structs are flattened into their parent.
type field struct {
	name  string // JSON name
	flags string // "", ",omitempty", ",omitzero" or both
	kind  string
	typ   reflect.Type
	index []int
}

func (f field) line() string { return f.name + f.flags + " " + f.kind }

// Types that print themselves, by the word used for them in the table.
var leaves = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "quantity",
	reflect.TypeFor[intstr.IntOrString](): "int-or-string",
	reflect.TypeFor[metav1.Time]():        "time",
	reflect.TypeFor[metav1.FieldsV1]():    "raw",
}

type table struct {
	order []string
	types map[string][]field
	seen  map[string]reflect.Type
}

func drawTable(root reflect.Type) *table {
	t := &table{types: map[string][]field{}, seen: map[string]reflect.Type{}}
	t.add(root)
	return t
}

func (t *table) add(typ reflect.Type) {
	if other, ok := t.seen[typ.Name()]; ok {
		if other != typ {
			panic(fmt.Sprintf("two types are called %s", typ.Name()))
		}
		return
	}
	if typ.Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Marshaler]()) {
		panic(fmt.Sprintf("%s prints itself, but the table has no word for it", typ))
	}
	t.seen[typ.Name()] = typ
	t.order = append(t.order, typ.Name())
	fields := fieldsOf(typ)
	t.types[typ.Name()] = fields
	for _, f := range fields {
		if s := structIn(f.typ); s != nil {
			t.add(s)
		}
	}
}

func fieldsOf(typ reflect.Type) []field {
	var fields []field
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case name == "" && f.Anonymous:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		case name == "":
			name = f.Name
		}
		flags := ""
		for _, flag := range []string{"omitempty", "omitzero"} {
			if slices.Contains(strings.Split(options, ","), flag) {
				flags += "," + flag
			}
		}
		fields = append(fields, field{name, flags, kindOf(f.Type), f.Type, []int{i}})
	}
	return fields
}

func kindOf(typ reflect.Type) string {
	if word, ok := leaves[typ]; ok {
		return word
	}
	switch typ.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return "int"
	case reflect.Pointer:
		return "*" + kindOf(typ.Elem())
	case reflect.Slice:
		if typ.Elem().Kind() != reflect.Uint8 {
			return "[]" + kindOf(typ.Elem())
		}
	case reflect.Map:
		if typ.Key().Kind() == reflect.String {
			return "map:" + kindOf(typ.Elem())
		}
	case reflect.Struct:
		return typ.Name()
	}
	panic(fmt.Sprintf("the table has no word for %s", typ))
}

// The struct type that is reached through pointers, lists and maps, if any.
func structIn(typ reflect.Type) reflect.Type {
	if _, ok := leaves[typ]; ok {
		return nil
	}
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return structIn(typ.Elem())
	case reflect.Struct:
		return typ
	}
	return nil
}

func printTable(out io.Writer) error {
	t := drawTable(reflect.TypeFor[corev1.PodTemplateSpec]())
	fmt.Fprintln(out, "{")
	for i, name := range t.order {
		fmt.Fprintf(out, "  %q: [", name)
		for j, f := range t.types[name] {
			if j > 0 {
				fmt.Fprint(out, ",")
			}
			fmt.Fprintf(out, "\n    %q", f.line())
		}
		end := "\n  ],\n"
		if i == len(t.order)-1 {
			end = "\n  ]\n"
		}
		fmt.Fprint(out, end)
	}
	_, err := fmt.Fprintln(out, "}")
	return err
}

// Compares a table drawn from newer types with the types that this program is built with: restricted to the fields of the
// older ones it must be the same, and the newer fields must not print when they are absent.
func checkTable(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var newer map[string][]string
	if err := json.Unmarshal(text, &newer); err != nil {
		return err
	}
	old := drawTable(reflect.TypeFor[corev1.PodTemplateSpec]())
	added := 0
	for _, name := range old.order {
		var want []string
		for _, f := range old.types[name] {
			want = append(want, f.line())
		}
		var got []string
		for _, line := range newer[name] {
			known := slices.ContainsFunc(old.types[name], func(f field) bool { return fieldName(f.line()) == fieldName(line) })
			if known {
				got = append(got, line)
			} else if added++; !vanishes(line) {
				return fmt.Errorf("%s: %q is new and prints when absent", name, line)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s: the table has\n  %q\nthese types have\n  %q", name, got, want)
		}
	}
	fmt.Printf("%d types agree; %d newer fields print nothing when absent\n", len(old.order), added)
	return nil
}

func fieldName(line string) string {
	name, _, _ := strings.Cut(line, " ")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// Whether an absent field prints nothing: omitempty has no effect on a struct that is not behind a pointer.
func vanishes(line string) bool {
	head, kind, _ := strings.Cut(line, " ")
	if strings.Contains(head, ",omitzero") {
		return true
	}
	plain := kind == "string" || kind == "bool" || kind == "int" || strings.HasPrefix(kind, "*") ||
		strings.HasPrefix(kind, "[]") || strings.HasPrefix(kind, "map:")
	return plain && strings.Contains(head, ",omitempty")
}
