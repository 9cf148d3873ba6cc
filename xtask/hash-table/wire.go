package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// What clients send as protobuf: the kinds that the simulated API server serves, and the options of deletions.
var wireRoots = []reflect.Type{
	reflect.TypeFor[appsv1.DaemonSet](),
	reflect.TypeFor[appsv1.Deployment](),
	reflect.TypeFor[appsv1.ReplicaSet](),
	reflect.TypeFor[appsv1.StatefulSet](),
	reflect.TypeFor[autoscalingv1.Scale](),
	reflect.TypeFor[autoscalingv2.HorizontalPodAutoscaler](),
	reflect.TypeFor[batchv1.CronJob](),
	reflect.TypeFor[batchv1.Job](),
	reflect.TypeFor[coordinationv1.Lease](),
	reflect.TypeFor[corev1.ConfigMap](),
	reflect.TypeFor[corev1.Endpoints](),
	reflect.TypeFor[corev1.Event](),
	reflect.TypeFor[corev1.LimitRange](),
	reflect.TypeFor[corev1.Namespace](),
	reflect.TypeFor[corev1.Node](),
	reflect.TypeFor[corev1.PersistentVolumeClaim](),
	reflect.TypeFor[corev1.Pod](),
	reflect.TypeFor[corev1.PodTemplate](),
	reflect.TypeFor[corev1.ReplicationController](),
	reflect.TypeFor[corev1.ResourceQuota](),
	reflect.TypeFor[corev1.Secret](),
	reflect.TypeFor[corev1.Service](),
	reflect.TypeFor[corev1.ServiceAccount](),
	reflect.TypeFor[discoveryv1.EndpointSlice](),
	reflect.TypeFor[networkingv1.Ingress](),
	reflect.TypeFor[policyv1.PodDisruptionBudget](),
	reflect.TypeFor[metav1.DeleteOptions](),
}

// Types whose messages are not made of their Go fields, by the word used for them.
var wireLeaves = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():    "quantity",
	reflect.TypeFor[intstr.IntOrString]():   "int-or-string",
	reflect.TypeFor[metav1.Time]():          "time",
	reflect.TypeFor[metav1.MicroTime]():     "micro-time",
	reflect.TypeFor[metav1.FieldsV1]():      "raw",
	reflect.TypeFor[runtime.RawExtension](): "raw",
}

// Prints {MESSAGE: {NUMBER: "NAME KIND"}}. MESSAGE is OpenAPI's name of the type and NAME the member's in JSON, `.` for a struct whose
// members are its parent's. `[]` before KIND is a list, `{}` a map. `!` behind it: a zero value is written in JSON; elsewhere it is left out.
func printWire(out io.Writer) error {
	messages := map[string]map[string]string{}
	for _, root := range wireRoots {
		addMessage(messages, root)
	}
	text, err := json.MarshalIndent(messages, "", " ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, string(text))
	return err
}

func addMessage(messages map[string]map[string]string, typ reflect.Type) {
	name := openAPIName(typ)
	if _, ok := messages[name]; ok {
		return
	}
	fields := map[string]string{}
	messages[name] = fields
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag := strings.Split(f.Tag.Get("protobuf"), ",")
		if len(tag) < 3 {
			continue // kind and apiVersion travel in the envelope
		}
		member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if member == "" {
			member = "."
		}
		kind := wireKind(messages, f.Type)
		if f.Type.Kind() == reflect.Pointer || !slices.Contains(strings.Split(options, ","), "omitempty") {
			kind += "!"
		}
		fields[tag[1]] = member + " " + kind
	}
}

func wireKind(messages map[string]map[string]string, typ reflect.Type) string {
	if word, ok := wireLeaves[typ]; ok {
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
		return wireKind(messages, typ.Elem())
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if typ.Name() != "" {
			panic(fmt.Sprintf("%s is a list in a message of its own", typ))
		}
		return "[]" + wireKind(messages, typ.Elem())
	case reflect.Map:
		return "{}" + wireKind(messages, typ.Elem())
	case reflect.Struct:
		addMessage(messages, typ)
		return openAPIName(typ)
	}
	panic(fmt.Sprintf("no word for %s", typ))
}

// k8s.io/api/core/v1.Pod -> io.k8s.api.core.v1.Pod
func openAPIName(typ reflect.Type) string {
	path := strings.TrimPrefix(typ.PkgPath(), "k8s.io/")
	return "io.k8s." + strings.ReplaceAll(path, "/", ".") + "." + typ.Name()
}

// Samples for the decoder's tests, one per line: {"json": .., "wire": BASE64}, the same object from both of Go's encoders.
func printWireSamples(out io.Writer, count int) error {
	for _, object := range fixedSamples() {
		if err := printSample(out, object); err != nil {
			return err
		}
	}
	roots := []message{
		&appsv1.Deployment{}, &corev1.Namespace{}, &corev1.Pod{}, &corev1.Service{}, &autoscalingv2.HorizontalPodAutoscaler{},
	}
	kinds := []metav1.TypeMeta{
		{APIVersion: "apps/v1", Kind: "Deployment"}, {APIVersion: "v1", Kind: "Namespace"}, {APIVersion: "v1", Kind: "Pod"},
		{APIVersion: "v1", Kind: "Service"}, {APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
	}
	g := &generator{random: newRandom(3), uses: map[string]int{}}
	for i := range count {
		object := reflect.New(reflect.TypeOf(roots[i%len(roots)]).Elem())
		var text bytes.Buffer
		g.write(&text, g.object(object.Type().Elem(), 0))
		var untyped map[string]any
		if err := utiljson.Unmarshal(text.Bytes(), &untyped); err != nil {
			return err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(untyped, object.Interface()); err != nil {
			return fmt.Errorf("%w in %s", err, text.Bytes())
		}
		object.Elem().FieldByName("TypeMeta").Set(reflect.ValueOf(kinds[i%len(kinds)]))
		if err := printSample(out, object.Interface().(message)); err != nil {
			return err
		}
	}
	return nil
}

type message interface {
	runtime.Object
	Marshal() ([]byte, error)
}

// Objects with the types that the generator does not know: bytes, and times to the microsecond.
func fixedSamples() []message {
	time := time.Date(2026, 11, 23, 5, 27, 31, 987654321, time.UTC)
	second, micro := metav1.NewTime(time), metav1.NewMicroTime(time)
	meta := metav1.ObjectMeta{Name: "a", CreationTimestamp: second, Labels: map[string]string{"a": "b", "c": ""}}
	lease := coordinationv1.LeaseSpec{HolderIdentity: new(string), LeaseDurationSeconds: new(int32), AcquireTime: &micro}
	kind := func(version, kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: version, Kind: kind} }
	grace := int64(-1)
	return []message{
		&corev1.ConfigMap{
			TypeMeta: kind("v1", "ConfigMap"), ObjectMeta: meta, Data: map[string]string{"k": "v", "empty": ""},
			BinaryData: map[string][]byte{"b": {0, 255}, "none": {}},
		},
		&corev1.Secret{TypeMeta: kind("v1", "Secret"), ObjectMeta: meta, Data: map[string][]byte{"k": []byte("v")}, Type: "Opaque"},
		&corev1.Event{TypeMeta: kind("v1", "Event"), ObjectMeta: meta, EventTime: micro, LastTimestamp: second, Count: 3},
		&coordinationv1.Lease{TypeMeta: kind("coordination.k8s.io/v1", "Lease"), ObjectMeta: meta, Spec: lease},
		&metav1.DeleteOptions{TypeMeta: kind("apps/v1", "DeleteOptions"), GracePeriodSeconds: &grace, DryRun: []string{"All"}},
		&discoveryv1.EndpointSlice{
			TypeMeta: kind("discovery.k8s.io/v1", "EndpointSlice"), ObjectMeta: meta, AddressType: "IPv4",
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1", "10.0.0.2"}}},
		},
	}
}

func printSample(out io.Writer, object message) error {
	printed, err := json.Marshal(object)
	if err != nil {
		return err
	}
	raw, err := object.Marshal()
	if err != nil {
		return err
	}
	version, kind := object.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
	envelope := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: version, Kind: kind}, Raw: raw}
	wire, err := envelope.Marshal()
	if err != nil {
		return err
	}
	wire = append([]byte("k8s\x00"), wire...)
	_, err = fmt.Fprintf(out, "{\"json\":%s,\"wire\":%q}\n", printed, base64.StdEncoding.EncodeToString(wire))
	return err
}
