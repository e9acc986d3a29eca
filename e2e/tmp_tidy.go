//go:build tidyonly

package e2e

import (
 _ "github.com/beevik/etree"
 _ "github.com/russellhaering/goxmldsig"
 _ "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
 _ "github.com/cert-manager/cert-manager/pkg/api/util"
 _ "github.com/go-logr/logr"
 _ "github.com/google/go-cmp/cmp"
 _ "github.com/prometheus/client_golang/prometheus"
 _ "github.com/prometheus/client_golang/prometheus/testutil"
 _ "github.com/spf13/pflag"
 _ "k8s.io/api/core/v1"
 _ "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
 _ "k8s.io/client-go/kubernetes"
 _ "k8s.io/klog/v2"
 _ "k8s.io/utils/clock"
 _ "k8s.io/utils/clock/testing"
 _ "sigs.k8s.io/controller-runtime"
 _ "sigs.k8s.io/controller-runtime/pkg/envtest"
 _ "sigs.k8s.io/controller-runtime/pkg/metrics/filters"
 _ "sigs.k8s.io/controller-runtime/pkg/log/zap"
 _ "sigs.k8s.io/yaml"
 _ "golang.org/x/tools/go/packages"
 _ "golang.org/x/sys/unix"
 _ "golang.org/x/sync/errgroup"
)
