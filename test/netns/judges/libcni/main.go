// Command libcni tells what the CNI library, and containerd's use of it (go-cni), make of configuration directories. Each
// line of its input is a directory, each line of its output what was made of it:
//
//	{"order":["10-a.conflist"],"files":[{"name":"10-a.conflist","list":{…}}],"loaded":{…}}
//
// Built once for each release of the library that container runtimes are built with (go.mod, cni-1.1.mod, cni-1.2.mod).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	gocni "github.com/containerd/go-cni"
	"github.com/containernetworking/cni/libcni"
)

// One file as the library reads it; Refused is why it does not.
type file struct {
	Name    string                    `json:"name"`
	List    *libcni.NetworkConfigList `json:"list,omitempty"`
	Refused string                    `json:"refused,omitempty"`
	// Why CRI-O and cri-dockerd step over it: what ValidateNetworkList says.
	Invalid string `json:"invalid,omitempty"`
}

type verdict struct {
	Order  []string            `json:"order"`
	Files  []file              `json:"files"`
	Loaded *gocni.ConfigResult `json:"loaded,omitempty"`
	// Why containerd would have no network.
	LoadError string `json:"loadError,omitempty"`
}

func main() {
	binDirs := filepath.SplitList(os.Getenv("CNI_PATH"))
	most, _ := strconv.Atoi(os.Getenv("MAX_CONF_NUM"))
	if os.Getenv("MAX_CONF_NUM") == "" {
		most = 1
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := json.NewEncoder(os.Stdout).Encode(judge(lines.Text(), binDirs, most)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func judge(directory string, binDirs []string, most int) verdict {
	said := verdict{Order: []string{}, Files: []file{}}
	paths, err := libcni.ConfFiles(directory, []string{".conf", ".conflist", ".json"})
	if err != nil {
		said.LoadError = err.Error()
		return said
	}
	sort.Strings(paths)
	for _, path := range paths {
		one := file{Name: filepath.Base(path)}
		list, err := read(path)
		if err != nil {
			one.Refused = err.Error()
		} else {
			one.List = list
			if len(binDirs) > 0 {
				if _, err := libcni.NewCNIConfig(binDirs, nil).ValidateNetworkList(context.Background(), list); err != nil {
					one.Invalid = err.Error()
				}
			}
		}
		said.Order = append(said.Order, one.Name)
		said.Files = append(said.Files, one)
	}
	runtime, err := gocni.New(gocni.WithMinNetworkCount(2), gocni.WithPluginConfDir(directory), gocni.WithPluginDir(binDirs), gocni.WithPluginMaxConfNum(most))
	if err == nil {
		err = runtime.Load(gocni.WithLoNetwork, gocni.WithDefaultConf)
	}
	if err != nil {
		said.LoadError = err.Error()
	} else {
		said.Loaded = runtime.GetConfig()
	}
	return said
}

func read(path string) (*libcni.NetworkConfigList, error) {
	if strings.HasSuffix(path, ".conflist") {
		return libcni.ConfListFromFile(path)
	}
	conf, err := libcni.ConfFromFile(path)
	if err != nil {
		return nil, err
	}
	if conf.Network.Type == "" {
		return nil, fmt.Errorf("no type")
	}
	return libcni.ConfListFromConf(conf)
}
