package policy

default allow = false

# Every resource, but no other plugin.
allow {
    data.plugin == "resource"
}
