import Encodings

/// A path with a query, percent-encoded so that no name can leave its segment.
struct RequestTarget: Sendable {
    private(set) var text: String

    /// A fixed path, taken as it is.
    init(_ path: String) { text = path }

    /// Appends one segment.
    func appending(_ segment: String) throws(AdminClientError) -> RequestTarget {
        guard !segment.isEmpty, segment != ".", segment != ".." else {
            throw AdminClientError(.invalidInput, "\"\(segment)\" cannot be part of a name")
        }
        var target = self
        target.text += "/" + PercentEncoding.encode(segment)
        return target
    }

    /// Appends the segments of a name that may contain slashes.
    func appending(path: String) throws(AdminClientError) -> RequestTarget {
        var target = self
        for segment in path.split(separator: "/", omittingEmptySubsequences: false) {
            target = try target.appending(String(segment))
        }
        return target
    }

    /// Appends a query parameter, unless the value is nil.
    func asking(_ name: String, _ value: String?) -> RequestTarget {
        guard let value else { return self }
        var target = self
        target.text +=
            (text.contains("?") ? "&" : "?") + PercentEncoding.encode(name) + "=" + PercentEncoding.encode(value)
        return target
    }
}
