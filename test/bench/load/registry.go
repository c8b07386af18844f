package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const manifestType = "application/vnd.oci.image.manifest.v1+json"

var client = &http.Client{Transport: &http.Transport{
	MaxIdleConnsPerHost: 256, DisableCompression: true,
	ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10, ResponseHeaderTimeout: 5 * time.Minute,
}}

// moved counts the bytes of blobs, manifests and answers that passed in either direction.
var moved atomic.Int64

// Few large reads keep the generator's own share of the machine small.
var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// content is what a request sends: it can be opened again when an idle connection turns out closed.
type content struct {
	open func() io.Reader
	size int64
	kind string
}

func bytesOf(b []byte, kind string) *content {
	return &content{func() io.Reader { return bytes.NewReader(b) }, int64(len(b)), kind}
}

// send makes one request and fails unless the answer has the wanted status.
func send(method, target string, body *content, status int) (*http.Response, error) {
	request, err := http.NewRequest(method, target, nil)
	if err != nil {
		return nil, err
	}
	if body != nil && body.size > 0 {
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(body.open()), nil }
		request.Body, _ = request.GetBody()
		request.ContentLength = body.size
		request.Header.Set("Content-Type", body.kind)
	}
	request.Header.Set("Accept", manifestType)
	if name, password, found := strings.Cut(*user, ":"); found {
		request.SetBasicAuth(name, password)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != status {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		response.Body.Close()
		return nil, fmt.Errorf("%s %s: %d %s", method, target, response.StatusCode, text)
	}
	return response, nil
}

// exchange is send for answers whose body does not matter.
func exchange(method, target string, body *content, status int) (*http.Response, error) {
	response, err := send(method, target, body, status)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, err = drain(response.Body)
	return response, err
}

func drain(stream io.Reader) (int64, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	var total int64
	for {
		k, err := stream.Read(*buffer)
		total += int64(k)
		moved.Add(int64(k))
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// pushBlob uploads in one PUT, or with -patch as Docker does; it does not ask first whether it is there.
func pushBlob(repository, digest string, blob *content) error {
	response, err := exchange("POST", *base+"/v2/"+repository+"/blobs/uploads/", nil, http.StatusAccepted)
	if err != nil {
		return err
	}
	last := blob
	if *chunked {
		response, err = exchange("PATCH", location(response), blob, http.StatusAccepted)
		if err != nil {
			return err
		}
		last = nil
	}
	target := location(response)
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	_, err = exchange("PUT", target+separator+"digest="+url.QueryEscape(digest), last, http.StatusCreated)
	moved.Add(blob.size)
	return err
}

func location(response *http.Response) string {
	at, err := response.Request.URL.Parse(response.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return at.String()
}

// pullBlob drains a blob; its length is always checked, its digest when asked.
func pullBlob(i int, repository string, blob descriptor, check bool) error {
	response, err := send("GET", *base+"/v2/"+repository+"/blobs/"+blob.Digest, nil, http.StatusOK)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	stream := pace(i, response.Body)
	hash := sha256.New()
	if check {
		stream = io.TeeReader(stream, hash)
	}
	total, err := drain(stream)
	if err == nil && total != blob.Size {
		err = fmt.Errorf("blob %s: %d bytes instead of %d", blob.Digest, total, blob.Size)
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); err == nil && check && got != blob.Digest {
		err = fmt.Errorf("blob %s: its bytes have the digest %s", blob.Digest, got)
	}
	return err
}
