// Embed uploads a film, embeds it, and prints its clips. Standard library only.
//
//	go run . film.mp4
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
)

type Embedding struct {
	Option    string    `json:"embedding_option"`
	Scope     string    `json:"embedding_scope"`
	StartSec  float64   `json:"start_sec"`
	EndSec    float64   `json:"end_sec"`
	Embedding []float32 `json:"embedding"`
}

type Task struct {
	ID     string      `json:"_id"`
	Status string      `json:"status"`
	Data   []Embedding `json:"data"`
	Error  *APIError   `json:"error"`
}

// APIError is the body of every answer that is not a success.
type APIError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . FILE")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(path string) error {
	asset, err := upload(path)
	if err != nil {
		return err
	}
	request, err := json.Marshal(map[string]any{
		"input_type": "video",
		"model_name": "marengo3.0",
		"video":      map[string]any{"media_source": map[string]string{"asset_id": asset}},
	})
	if err != nil {
		return err
	}
	var task Task
	if err := call("POST", "/embed-v2/tasks", "application/json", bytes.NewReader(request), &task); err != nil {
		return err
	}
	for task.Status == "processing" || task.Status == "" {
		// ?wait= holds the answer until the task ends, 60 s at most.
		if err := call("GET", "/embed-v2/tasks/"+task.ID+"?wait=60", "", nil, &task); err != nil {
			return err
		}
	}
	if task.Error != nil {
		return fmt.Errorf("%s: %s", task.Error.Code, task.Error.Message)
	}
	for _, item := range task.Data {
		if item.Scope == "clip" {
			fmt.Println(item.Option, item.StartSec, item.EndSec, item.Embedding[:3])
		}
	}
	return nil
}

// upload streams a file as an asset and returns its id. The answer comes when the asset is ready.
func upload(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	go func() {
		err := form.WriteField("method", "direct")
		if err == nil {
			var part io.Writer
			if part, err = form.CreateFormFile("file", filepath.Base(path)); err == nil {
				_, err = io.Copy(part, file)
			}
		}
		if err == nil {
			err = form.Close()
		}
		pipe.CloseWithError(err)
	}()
	var asset struct {
		ID string `json:"_id"`
	}
	err = call("POST", "/assets", form.FormDataContentType(), body, &asset)
	return asset.ID, err
}

// call sends a request to the API and decodes the answer into result.
func call(method, path, contentType string, body io.Reader, result any) error {
	api := os.Getenv("API")
	if api == "" {
		api = "http://127.0.0.1:1212/v1.3"
	}
	request, err := http.NewRequest(method, api+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("x-api-key", os.Getenv("KEY"))
	if contentType != "" {
		request.Header.Set("content-type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		var failure APIError
		if err := json.NewDecoder(response.Body).Decode(&failure); err != nil {
			return fmt.Errorf("%s %s: %s", method, path, response.Status)
		}
		return fmt.Errorf("%s: %s", failure.Code, failure.Message)
	}
	return json.NewDecoder(response.Body).Decode(result)
}
