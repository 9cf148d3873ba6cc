// Prints what a Kubernetes API server stores for the templates of the hash corpus (stdin): defaulted, and converted to the internal
// type and back. One line per template.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/kubernetes/pkg/apis/core"
	k8s "k8s.io/kubernetes/pkg/apis/core/v1"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<22)
	for in.Scan() {
		var line struct {
			Template json.RawMessage `json:"template"`
		}
		check(json.Unmarshal(in.Bytes(), &line))
		var untyped map[string]any
		check(utiljson.Unmarshal(line.Template, &untyped))
		var t corev1.PodTemplate
		check(runtime.DefaultUnstructuredConverter.FromUnstructured(untyped, &t.Template))
		k8s.SetObjectDefaults_PodTemplate(&t)
		var internal core.PodTemplateSpec
		check(k8s.Convert_v1_PodTemplateSpec_To_core_PodTemplateSpec(&t.Template, &internal, nil))
		var back corev1.PodTemplateSpec
		check(k8s.Convert_core_PodTemplateSpec_To_v1_PodTemplateSpec(&internal, &back, nil))
		stored, err := json.Marshal(&back)
		check(err)
		fmt.Printf("%s\n", stored)
	}
}
