//go:build tools

// Package kube names what assets.sh builds, so that `go mod tidy` keeps it in go.mod and go.sum.
package kube

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
