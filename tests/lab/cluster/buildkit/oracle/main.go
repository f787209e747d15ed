// Oracle says what BuildKit takes from a build context: a JSON list of cases in, a JSON list of answers out.
//
// The Dockerfile goes through BuildKit's own converter, with a registry that has every image. What its LLB asks of the
// context is sent through fsutil's own filter, and copied by fsutil's own copy, once as the context is, and once for
// each of its files with that file changed alone. A file counts where the outcome is another one.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/containerd/continuity/fs"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
	fscopy "github.com/tonistiigi/fsutil/copy"
)

type question struct {
	Name       string            `json:"name"`
	Dockerfile string            `json:"dockerfile"`
	Args       map[string]string `json:"args"`
	Target     string            `json:"target"`
	Platforms  []string          `json:"platforms"`
	Files      map[string]string `json:"files"` // content by path; "-> x" is a link to x
}

type answer struct {
	Name   string   `json:"name"`
	Error  string   `json:"error,omitempty"`
	Fails  bool     `json:"fails,omitempty"`
	Follow []string `json:"follow"`
	Images []string `json:"images"`
	Counts []string `json:"counts"`
	LLB    string   `json:"llb"`
}

func main() {
	var asked []question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	said := make([]answer, len(asked))
	for i, one := range asked {
		said[i] = answered(one)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(said); err != nil {
		panic(err)
	}
}

// A registry that has every image, with a variable of its own in each.
type everything struct{}

func (everything) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	arch := "amd64"
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		arch = opt.ImageOpt.Platform.Architecture
	}
	config := fmt.Sprintf(`{"architecture":%q,"os":"linux","config":{"Env":["PATH=/bin","BASE=dir"]},`+
		`"rootfs":{"type":"layers","diff_ids":["%s"]}}`, arch, digest.FromString(ref))
	return ref, digest.FromString(ref), []byte(config), nil
}

type take struct {
	copy     *pb.FileActionCopy
	selector string
}

func answered(one question) answer {
	said := answer{Name: one.Name, Follow: []string{}, Images: []string{}, Counts: []string{}}
	targets := one.Platforms
	if len(targets) == 0 {
		targets = []string{"linux/amd64"}
	}
	counts := map[string]bool{}
	for _, target := range targets {
		platform := platforms.MustParse(target)
		takes, follow, err := read(one, platform, &said)
		if err != nil {
			said.Error = err.Error()
			return said
		}
		if follow == nil {
			follow = []string{}
		}
		said.Follow = append(said.Follow, follow...)
		before := outcome(one.Files, takes, follow)
		said.Fails = said.Fails || strings.Contains(before, "failed")
		for name := range one.Files {
			if outcome(changed(one.Files, name), takes, follow) != before {
				counts[name] = true
			}
		}
	}
	for name := range counts {
		said.Counts = append(said.Counts, name)
	}
	sort.Strings(said.Counts)
	return said
}

func read(one question, platform ocispecs.Platform, said *answer) ([]take, []string, error) {
	caps := pb.Caps.CapSet(pb.Caps.All())
	state, _, _, _, err := dockerfile2llb.Dockerfile2LLB(context.Background(), []byte(one.Dockerfile), dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildArgs:      one.Args,
			Target:         one.Target,
			BuildPlatforms: []ocispecs.Platform{platforms.MustParse("linux/amd64")},
		},
		TargetPlatform: &platform,
		MetaResolver:   everything{},
		LLBCaps:        &caps,
	})
	if err != nil {
		return nil, nil, err
	}
	definition, err := state.Marshal(context.Background(), llb.Platform(platform))
	if err != nil {
		return nil, nil, err
	}
	return asked(definition.Def, said)
}

// What the LLB asks of the local source, and the digest of all of it.
func asked(definition [][]byte, said *answer) ([]take, []string, error) {
	var takes []take
	var follow []string
	local := map[string]bool{}
	ops := make([]*pb.Op, len(definition))
	whole := sha256.New()
	for i, raw := range definition {
		whole.Write(raw)
		ops[i] = &pb.Op{}
		if err := ops[i].UnmarshalVT(raw); err != nil {
			return nil, nil, err
		}
		source := ops[i].GetSource()
		if source == nil {
			continue
		}
		if image, ok := strings.CutPrefix(source.Identifier, "docker-image://"); ok {
			said.Images = append(said.Images, image)
		}
		if strings.HasPrefix(source.Identifier, "local://") {
			local[digest.FromBytes(raw).String()] = true
			if text := source.Attrs[pb.AttrFollowPaths]; text != "" {
				if err := json.Unmarshal([]byte(text), &follow); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	said.LLB = hex.EncodeToString(whole.Sum(nil))
	for _, op := range ops {
		isLocal := func(index int64) bool {
			return index >= 0 && int(index) < len(op.Inputs) && local[op.Inputs[index].Digest]
		}
		if file := op.GetFile(); file != nil {
			for _, action := range file.Actions {
				if copied := action.GetCopy(); copied != nil && isLocal(action.SecondaryInput) {
					takes = append(takes, take{copy: copied})
				}
			}
		}
		if exec := op.GetExec(); exec != nil {
			for _, mount := range exec.Mounts {
				if isLocal(mount.Input) {
					takes = append(takes, take{selector: filepath.Join("/", mount.Selector)})
				}
			}
		}
	}
	return takes, follow, nil
}

// What comes of the files: a digest of all that was taken, or in what it failed.
func outcome(files map[string]string, takes []take, follow []string) string {
	if len(takes) == 0 {
		return "nothing"
	}
	root, err := os.MkdirTemp("", "oracle-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	given, sent := filepath.Join(root, "given"), filepath.Join(root, "sent")
	write(given, files)
	if err := send(given, sent, files[".dockerignore"], follow); err != nil {
		return "sending failed: " + err.Error()
	}
	var parts []string
	for i, one := range takes {
		end := filepath.Join(root, fmt.Sprintf("end-%d", i))
		if err := one.into(sent, end); err != nil {
			parts = append(parts, "failed")
			continue
		}
		parts = append(parts, fingerprint(end))
	}
	return strings.Join(parts, "\n")
}

func write(root string, files map[string]string) {
	must(os.MkdirAll(root, 0o755))
	for name, content := range files {
		path := filepath.Join(root, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		if to, isLink := strings.CutPrefix(content, "-> "); isLink {
			must(os.Symlink(to, path))
			continue
		}
		must(os.WriteFile(path, []byte(content), 0o644))
	}
}

func send(from, to, ignore string, follow []string) error {
	excluded, err := ignorefile.ReadAll(strings.NewReader(ignore))
	if err != nil {
		return err
	}
	tree, err := fsutil.NewFS(from)
	if err != nil {
		return err
	}
	var paths []string
	if len(follow) > 0 {
		paths = follow
	}
	filtered, err := fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: excluded, FollowPaths: paths})
	if err != nil {
		return err
	}
	must(os.MkdirAll(to, 0o755))
	return filtered.Walk(context.Background(), "", func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(to, name)
		switch {
		case entry.IsDir():
			return os.MkdirAll(path, 0o755)
		case entry.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(filepath.Join(from, name))
			if err != nil {
				return err
			}
			return os.Symlink(target, path)
		default:
			content, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				return err
			}
			return os.WriteFile(path, content, 0o644)
		}
	})
}

// As BuildKit's solver/llbsolver/file does it. An archive is taken as it is, not unpacked.
func (one take) into(sent, end string) error {
	must(os.MkdirAll(end, 0o755))
	if one.copy == nil {
		from, err := fs.RootPath(sent, one.selector)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(from); err != nil {
			return err
		}
		return fscopy.Copy(context.Background(), filepath.Dir(from), filepath.Base(from), end, "/mounted")
	}
	action := one.copy
	from := filepath.Join("/", action.Src)
	found, err := fscopy.ResolveWildcards(sent, from, action.FollowSymlink)
	if err != nil {
		return err
	}
	options := fscopy.WithCopyInfo(fscopy.CopyInfo{
		IncludePatterns: action.IncludePatterns,
		ExcludePatterns: action.ExcludePatterns,
		CopyDirContents: action.DirCopyContents,
		FollowLinks:     action.FollowSymlink,
	})
	for i, path := range found {
		// Each in a folder of its own: of two with one name the second would hide the first.
		if err := fscopy.Copy(context.Background(), sent, path, end, fmt.Sprintf("/to/%d/", i), options); err != nil {
			return err
		}
	}
	for _, path := range action.RequiredPaths {
		if _, err := os.Lstat(filepath.Join(sent, path)); err != nil {
			return err
		}
	}
	return nil
}

func fingerprint(root string) string {
	var lines []string
	must(filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		must(err)
		name, _ := filepath.Rel(root, path)
		switch {
		case info.IsDir():
			// Folders alone: git has none that are empty.
		case info.Mode()&os.ModeSymlink != 0:
			to, _ := os.Readlink(path)
			lines = append(lines, name+" -> "+to)
		default:
			content, err := os.ReadFile(path)
			must(err)
			lines = append(lines, fmt.Sprintf("%s %x", name, sha256.Sum256(content)))
		}
		return nil
	}))
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func changed(files map[string]string, name string) map[string]string {
	other := map[string]string{}
	for path, content := range files {
		other[path] = content
	}
	if strings.HasPrefix(other[name], "-> ") {
		other[name] = "-> nowhere-at-all"
	} else if name != ".dockerignore" {
		other[name] += "changed"
	}
	return other
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
