// Reads rendered manifests from standard input and decodes each into the Go type of its kind, strictly: the API server's own
// types, so a field that is misspelt, in the wrong place or of the wrong type is an error here as it is there. Kinds that
// Kubernetes itself does not have are counted and left to others.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"apps/v1/Deployment":                 func() any { return new(apps.Deployment) },
	"apps/v1/StatefulSet":                func() any { return new(apps.StatefulSet) },
	"batch/v1/Job":                       func() any { return new(batch.Job) },
	"networking.k8s.io/v1/NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
	"policy/v1/PodDisruptionBudget":      func() any { return new(policy.PodDisruptionBudget) },
	"v1/Secret":                          func() any { return new(core.Secret) },
	"v1/Service":                         func() any { return new(core.Service) },
	"v1/ServiceAccount":                  func() any { return new(core.ServiceAccount) },
}

func main() {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	checked, others, failed := 0, 0, 0
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		var head struct {
			meta.TypeMeta   `json:",inline"`
			meta.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal(document, &head); err != nil {
			fmt.Println(err)
			failed++
			continue
		}
		if head.Kind == "" {
			continue
		}
		create, known := kinds[head.APIVersion+"/"+head.Kind]
		if !known {
			others++
			continue
		}
		checked++
		if err := yaml.UnmarshalStrict(document, create()); err != nil {
			fmt.Printf("%s %s: %v\n", head.Kind, head.Name, err)
			failed++
		}
	}
	fmt.Printf("%d checked, %d of other kinds, %d failed\n", checked, others, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
