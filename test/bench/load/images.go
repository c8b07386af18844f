package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

const (
	configType = "application/vnd.oci.image.config.v1+json"
	layerType  = "application/vnd.oci.image.layer.v1.tar+gzip"
	blobType   = "application/octet-stream"
)

// where names the i-th image; images are spread over -repos repositories.
func where(i int) (repository, tag string) {
	return fmt.Sprintf("%s/r%d", *repo, i%*repos), fmt.Sprintf("t%d", i)
}

func config(name string) []byte {
	return []byte(fmt.Sprintf(
		`{"created":"2026-01-01T00:00:00Z","architecture":"amd64","os":"linux","config":{"Labels":{"n":%q}},"rootfs":{"type":"layers","diff_ids":[]}}`, name))
}

func putManifest(repository, tag string, config []byte, layers ...descriptor) error {
	m, err := json.Marshal(manifest{2, manifestType, descriptor{configType, digestOf(config), int64(len(config))}, layers})
	if err != nil {
		return err
	}
	_, err = exchange("PUT", *base+"/v2/"+repository+"/manifests/"+tag, bytesOf(m, manifestType), http.StatusCreated)
	return err
}

func pushImage(i int) error {
	repository, tag := where(i)
	l := newLayer(*seed, *size, i)
	blob := &content{func() io.Reader { return pace(i, l.reader()) }, l.size, blobType}
	if err := pushBlob(repository, l.digest, blob); err != nil {
		return err
	}
	c := config(fmt.Sprintf("%d.%d", *seed, i))
	if err := pushBlob(repository, digestOf(c), bytesOf(c, blobType)); err != nil {
		return err
	}
	return putManifest(repository, tag, c, descriptor{layerType, l.digest, l.size})
}

func pullImage(i int) error   { return pull(i, false) }
func verifyImage(i int) error { return pull(i, true) }

// pull asks as clients do: HEAD and GET of the manifest by its tag, then the config and the layers.
func pull(i int, check bool) error {
	repository, tag := where(i % *images)
	target := *base + "/v2/" + repository + "/manifests/" + tag
	if _, err := exchange("HEAD", target, nil, http.StatusOK); err != nil {
		return err
	}
	response, err := send("GET", target, nil, http.StatusOK)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return err
	}
	if named := response.Header.Get("Docker-Content-Digest"); check && named != digestOf(b) {
		return fmt.Errorf("manifest %s: named %s, but is %s", target, named, digestOf(b))
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	for _, blob := range append([]descriptor{m.Config}, m.Layers...) {
		if err := pullBlob(i, repository, blob, check); err != nil {
			return err
		}
	}
	return nil
}

// seedRepository fills one repository with -tags tiny images that share their layer.
func seedRepository(i int) error {
	repository := fmt.Sprintf("%s/s%d", *repo, i)
	l := []byte("seed layer")
	if err := pushBlob(repository, digestOf(l), bytesOf(l, blobType)); err != nil {
		return err
	}
	for t := 0; t < *tags; t++ {
		c := config(fmt.Sprintf("%d.%d", i, t))
		if err := pushBlob(repository, digestOf(c), bytesOf(c, blobType)); err != nil {
			return err
		}
		err := putManifest(repository, fmt.Sprintf("v1.%d.0", t), c, descriptor{layerType, digestOf(l), int64(len(l))})
		if err != nil {
			return err
		}
	}
	return nil
}

func getPath(int) error {
	_, err := exchange("GET", *base+*path, nil, http.StatusOK)
	return err
}
