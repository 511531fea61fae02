#!/bin/sh
# Regenerates the folders Generated of GuestAPI and BrokerAPI from their folders Protos. Needs protoc; the two plugins are products of
# packages that this one depends on, so they have the versions that the generated code is compiled against.
set -eu
cd "$(dirname "$0")/.."
swift build --product protoc-gen-swift
swift build --product protoc-gen-grpc-swift-2
tools=$(swift build --show-bin-path)
protoc --proto_path=Sources/GuestAPI/Protos \
    --plugin="$tools/protoc-gen-swift" --swift_out=Sources/GuestAPI/Generated \
    keyprovider.proto ttrpc.proto attestation-agent.proto confidential-data-hub.proto
protoc --proto_path=Sources/GuestAPI/Protos \
    --plugin="$tools/protoc-gen-grpc-swift-2" --grpc-swift-2_out=Sources/GuestAPI/Generated \
    --grpc-swift-2_opt=Client=false \
    keyprovider.proto
protoc --proto_path=Sources/BrokerAPI/Protos \
    --plugin="$tools/protoc-gen-swift" --swift_out=Sources/BrokerAPI/Generated \
    reference.proto
