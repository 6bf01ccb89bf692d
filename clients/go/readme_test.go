package quipu_test

// Every sample of the README, run against a server in the order of the text, in a module of its own that was
// installed as the README says; what it prints is compared with what the README says that it prints.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quipu/client/internal/testserver"
)

const readmeAddress = "127.0.0.1:2113"

// sample is a block of Go with what it prints.
type sample struct {
	heading, code, output string
}

func TestReadme(t *testing.T) {
	server, err := testserver.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	root, err := testserver.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	samples, install := samplesOf(t, string(text))
	module := t.TempDir()
	program := strings.ReplaceAll(programOf(samples), readmeAddress, server.Address())
	if err := os.WriteFile(filepath.Join(module, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(command string) string {
		shell := exec.Command("sh", "-ec", command)
		shell.Dir = module
		output, err := shell.Output()
		if err != nil {
			said := ""
			if exit, ok := err.(*exec.ExitError); ok {
				said = string(exit.Stderr)
			}
			t.Fatalf("%s: %v\n%s\n%s", command, err, output, said)
		}
		return string(output)
	}
	run("go mod init readme 2>/dev/null")
	run(strings.ReplaceAll(install, "/path/to/quipu", root))
	printed := strings.Split(run("go run ."), "\x00")[1:]
	if len(printed) != len(samples) {
		t.Fatalf("%d of %d samples ran", len(printed), len(samples))
	}
	for i, sample := range samples {
		if printed[i] != sample.output {
			t.Errorf("%s prints\n%s\ninstead of\n%s", sample.heading, printed[i], sample.output)
		}
	}
}

// samplesOf gives the Go blocks of a text and the shell block under Install.
func samplesOf(t *testing.T, text string) (samples []sample, install string) {
	t.Helper()
	heading := ""
	parts := regexp.MustCompile("(?ms)^## (.+?)$|^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	for _, part := range parts {
		switch title, language, body := part[1], part[2], part[3]; {
		case title != "":
			heading = title
		case language == "go":
			samples = append(samples, sample{heading: heading, code: body})
		case language == "text":
			samples[len(samples)-1].output = body
		case language == "sh" && heading == "Install":
			install = body
		}
	}
	if len(samples) < 15 || install == "" {
		t.Fatalf("only %d samples, install %q", len(samples), install)
	}
	return samples, install
}

// programOf makes one program of all samples, each the body of a function.
func programOf(samples []sample) string {
	var functions, calls strings.Builder
	for i, sample := range samples {
		body := sample.code
		if !strings.Contains(body, "\nreturn ") {
			body += "return nil\n"
		}
		fmt.Fprintf(&functions, "// %s\nfunc sample%d(ctx context.Context, client *quipu.Client) error {\n%s}\n\n",
			sample.heading, i, body)
		fmt.Fprintf(&calls, "\tfmt.Print(\"\\x00\")\n\tcheck(sample%d(ctx, client))\n", i)
	}
	code := functions.String()
	imports := `import quipu "quipu/client"` + "\n"
	for name, path := range map[string]string{
		"context": "context", "errors": "errors", "fmt": "fmt", "os": "os", "strings": "strings", "time": "time",
		"quipupb": "quipu/client/quipupb",
	} {
		if name == "context" || name == "fmt" || name == "os" || strings.Contains(code, name+".") {
			imports += fmt.Sprintf("import %q\n", path)
		}
	}
	return "package main\n\n" + imports + "\n" + code + `func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	client, err := quipu.Connect(ctx, "` + readmeAddress + `", quipu.Options{Tenant: "acme"})
	check(err)
	defer client.Close()
` + calls.String() + "}\n"
}
