package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// folders makes the volumes of a node that is alone: a folder for each claim, given to the pod's group by the kubelet
// (Kubernetes' own host path provisioner makes folders that only root may enter).
type folders struct{ root, node string }

func (f folders) Provision(_ context.Context, o controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(f.root, o.PVC.Namespace+"-"+o.PVC.Name+"-"+string(o.PVC.UID))
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningNoChange, err
	}
	here := v1.NodeSelectorRequirement{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{f.node}}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: o.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
				NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{here}}}}},
		},
	}, controller.ProvisioningFinished, nil
}

func (f folders) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	return os.RemoveAll(volume.Spec.Local.Path)
}

func newVolumesCommand() *cobra.Command {
	var kubeconfig, root, node string
	command := &cobra.Command{Use: "kube-volumes", RunE: func(*cobra.Command, []string) error {
		config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return err
		}
		ctx := genericapiserver.SetupSignalContext()
		controller.NewProvisionController(ctx, kubernetes.NewForConfigOrDie(config), "azora.dev/folders",
			folders{root, node}, controller.LeaderElection(false)).Run(ctx)
		return nil
	}}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API")
	command.Flags().StringVar(&root, "root", "", "folder of the volumes")
	command.Flags().StringVar(&node, "node", "node", "name of the node")
	return command
}
