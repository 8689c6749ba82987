// Command dockershim tells which network the kubelet of Kubernetes 1.23 takes from configuration directories, when it calls
// the plugins itself for Docker; cri-dockerd goes on with the same code. Each line of its input is a directory, each line of
// its output the network's name in JSON, or null.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/kubelet/dockershim/network/cni"
)

func main() {
	klog.InitFlags(nil)
	_ = flag.Set("logtostderr", "false")
	_ = flag.Set("stderrthreshold", "FATAL")
	klog.SetOutput(discard{})
	binDirs := filepath.SplitList(os.Getenv("CNI_PATH"))
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(pick(lines.Text(), binDirs)); err != nil {
			os.Exit(1)
		}
	}
}

type verdict struct {
	Name *string `json:"name,omitempty"`
	// A plugin that is null in a list ends the whole kubelet.
	Crashed bool `json:"crashed,omitempty"`
}

func pick(directory string, binDirs []string) (taken verdict) {
	defer func() {
		if recover() != nil {
			taken.Crashed = true
		}
	}()
	for _, plugin := range cni.ProbeNetworkPlugins(directory, os.TempDir(), binDirs) {
		// The plugin tells its network to nobody: it is read where it keeps it.
		if network := reflect.ValueOf(plugin).Elem().FieldByName("defaultNetwork"); !network.IsNil() {
			name := network.Elem().FieldByName("name").String()
			taken.Name = &name
		}
	}
	return taken
}

type discard struct{}

func (discard) Write(bytes []byte) (int, error) { return len(bytes), nil }
