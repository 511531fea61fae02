import NIOCore

/// What one ttrpc socket spends on its callers.
struct TTRPCLimits: Sendable {
    /// Connections at a time.
    var connections = 64
    /// Connections at a time of one user that is neither root nor the agent's own, so that none of these takes all places.
    var connectionsPerNamedUser = 8
    /// Calls of one connection that are worked on, or whose answers are not taken yet. Further ones wait in the socket.
    var callsPerConnection = 16
    /// Bytes of requests and answers of one connection that are held before no more is read from it.
    var bytesPerConnection = 2 * TTRPCFrame.maximumDataBytes
    /// Time for a frame to arrive once it has begun, and for an answer to be taken.
    var frameTime: TimeAmount = .seconds(30)
    /// How long a connection may be idle when another one needs its place. Otherwise idle connections stay open: the
    /// clients of a guest connect once in its life and cannot connect again.
    var idleTime: TimeAmount = .seconds(600)
}
