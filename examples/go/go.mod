module reelvec.example/embed

go 1.22
