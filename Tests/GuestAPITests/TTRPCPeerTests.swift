import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import GuestAPI

@Suite("Who may talk ttrpc", .timeLimit(.minutes(5)))
struct TTRPCPeerTests {
    @Test("nobody but root and the agent's own user may connect unless a permission names them")
    func admission() throws {
        let peers = AllowedPeers([try PeerPermission("1000=/a.B/C")], trustedUsers: [0, 7])
        func peer(_ user: UInt32) -> PeerIdentity { PeerIdentity(processID: 1, userID: user, groupID: 0) }
        for user: UInt32 in [0, 7, 1000] { #expect(peers.admit(peer(user))) }
        for user: UInt32 in [1, 999, 1001, 65_534, .max] {
            #expect(!peers.admit(peer(user)) && !peers.allow(peer(user), toCall: "/a.B/C"))
        }
        #expect(peers.allow(peer(7), toCall: "/x.Y/Z"))
        #expect(peers.allow(peer(1000), toCall: "/a.B/C"))
        for method in ["/a.B/D", "/a.B/CC", "/a.B/", "/a.B", "a.B/C", ""] {
            #expect(!peers.allow(peer(1000), toCall: method))
        }
    }

    @Test(
        "a permission covers a method, a service or everything",
        arguments: [
            ("5=/a.B/C", ["/a.B/C"], ["/a.B/D", "/a.B/C/D"]), ("5=/a.B/*", ["/a.B/C", "/a.B/D"], ["/a.BB/C", "/a.B"]),
            ("5=/*", ["/a.B/C", "/x/y"], ["a"]),
        ])
    func permissions(text: String, covered: [String], others: [String]) throws {
        let permission = try PeerPermission(text)
        #expect(permission.description == text)
        for method in covered { #expect(permission.covers(method)) }
        for method in others { #expect(!permission.covers(method)) }
    }

    @Test(
        "what is no permission is refused",
        arguments: ["", "5", "5=", "=/a", "root=/a/b", "-1=/a/b", "5=a/b", "5=/a*", "5=/*/b", "4294967296=/a"])
    func refused(text: String) {
        #expect(throws: ListenAddressError.self) { try PeerPermission(text) }
    }

    @Test("the kernel's word about the caller decides: an untrusted user is cut off before anything is read")
    func untrusted() async throws {
        try await TestServices.serving(peers: AllowedPeers([], trustedUsers: [])) { path, gate in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                try? await client.request(1, "test.Service", "Wait")
                #expect(try await client.next() == nil)
            }
            #expect(await gate.arrivals == 0)
        }
    }

    @Test("a user with a permission may call what it names, and the socket is open to it")
    func permitted() async throws {
        let permission = try PeerPermission("\(geteuid())=/test.Service/Echo")
        try await TestServices.serving(peers: AllowedPeers([permission], trustedUsers: [])) { path, gate in
            var status = stat()
            #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o666)
            try await TTRPCTestClient.connected(to: path) { client async throws in
                #expect(try await client.call("test.Service", "Echo").code == 0)
                let refused = try await client.call("test.Service", "Wait")
                #expect(refused.code == 7 && refused.message.contains("--ttrpc-peer"))
                #expect(try await client.call("test.Other", "Echo").code == 7)
            }
            #expect(await gate.arrivals == 0)
        }
    }

    @Test("GC 9.A.24: a left-over socket is replaced at once, and closed to others")
    func staleSocket() async throws {
        let path = ServerTests.socketPath()
        defer { unlink(path) }
        let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(left) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        try await ServerTests.serving { announce in
            try await TTRPCServer(
                TestServices().services, on: .unix(path: path), logger: ServerTests.quiet,
                onListening: { await announce(nil) }
            ).run()
        } _: { _ in
            var status = stat()
            #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
            try await TTRPCTestClient.connected(to: path) { client async throws in
                #expect(try await client.call("test.Service", "Echo").code == 0)
            }
        }
    }

    @Test("a file that is no socket stays, and TCP is not served")
    func noSocket() async throws {
        let path = ServerTests.socketPath()
        defer { unlink(path) }
        try Data("keep".utf8).write(to: URL(filePath: path))
        await #expect(throws: (any Error).self) {
            try await TTRPCServer(TestServices().services, on: .unix(path: path), logger: ServerTests.quiet).run()
        }
        #expect(FileManager.default.contents(atPath: path) == Data("keep".utf8))
        #expect(throws: ListenAddressError.self) {
            try TTRPCServer(TestServices().services, on: ListenAddress("127.0.0.1:0"), logger: ServerTests.quiet)
        }
    }

    @Test("a user with a permission cannot take the places of all others")
    func placesOfOneUser() {
        var limits = TTRPCLimits()
        limits.connections = 20
        limits.connectionsPerNamedUser = 2
        let connections = TTRPCConnections(limits: limits)
        let channels = (0..<8).map { _ in EmbeddedChannel() }
        #expect(connections.admit(channels[0], userID: 1000, isTrusted: false))
        #expect(connections.admit(channels[1], userID: 1000, isTrusted: false))
        #expect(!connections.admit(channels[2], userID: 1000, isTrusted: false))
        #expect(connections.admit(channels[3], userID: 1001, isTrusted: false))
        for channel in channels[4...] { #expect(connections.admit(channel, userID: 0, isTrusted: true)) }
        connections.remove(channels[0])
        #expect(connections.admit(channels[2], userID: 1000, isTrusted: false))
    }

    @Test("connections beyond the limit are refused, unless one has been idle for so long that it gives way")
    func tooMany() async throws {
        var limits = TTRPCLimits()
        limits.connections = 1
        try await TestServices.serving(limits: limits) { path, _ in
            try await TTRPCTestClient.connected(to: path) { first async throws in
                #expect(try await first.call("test.Service", "Echo").code == 0)
                try await TTRPCTestClient.connected(to: path) { second async throws in
                    #expect(try await second.next() == nil)
                }
                #expect(try await first.call("test.Service", "Echo").code == 0)
            }
        }
        limits.idleTime = .nanoseconds(0)
        try await TestServices.serving(limits: limits) { path, gate in
            try await TTRPCTestClient.connected(to: path) { idle async throws in
                #expect(try await idle.call("test.Service", "Echo").code == 0)
                try await TTRPCTestClient.connected(to: path) { busy async throws in
                    #expect(try await idle.next() == nil)
                    try await busy.request(1, "test.Service", "Wait")
                    try await eventually { await gate.arrivals == 1 }
                    try await TTRPCTestClient.connected(to: path) { third async throws in
                        #expect(try await third.next() == nil)
                    }
                    await gate.open()
                    #expect(try await busy.answer().code == 0)
                }
            }
        }
    }
}
