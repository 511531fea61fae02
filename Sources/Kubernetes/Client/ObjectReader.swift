import Encodings

/// Reads JSON that holds objects of which some may be nested deeper than is read here.
///
/// The API server stores what is nested up to 10,000 levels deep where a schema lets it. Such an object must not keep all
/// others from being read: it is given out with what it takes to name it, and marked as unreadable.
enum ObjectReader {
    /// How deep an object may be nested. Schemas in custom resource definitions nest deeply.
    static let maximumDepth = 128

    /// An event of a watch. `isCut` tells that its object is too deep to be read as a whole.
    static func event(_ line: [UInt8], maximumBytes: Int) throws(JSONError) -> (json: JSONObject, isCut: Bool) {
        // The event itself is the level above the object's.
        try cutting(line, JSONLimits(maximumBytes: maximumBytes, maximumDepth: maximumDepth + 1))
    }

    /// An object by itself.
    static func object(_ bytes: [UInt8], maximumBytes: Int) throws(JSONError) -> (json: JSONObject, isCut: Bool) {
        try cutting(bytes, JSONLimits(maximumBytes: maximumBytes, maximumDepth: maximumDepth))
    }

    /// A page of objects. `cut` tells which of its items are too deep.
    static func page(_ bytes: [UInt8], _ limits: JSONLimits) throws(JSONError) -> (json: JSONObject, cut: Set<Int>) {
        var limits = limits
        // The list and its array are the levels above an item's.
        limits.maximumDepth = maximumDepth + 2
        do throws(JSONError) {
            return (try JSONObject(parsing: bytes, limits: limits), [])
        } catch {
            guard error.code == "too_deep", let (list, items) = bytes.splittingJSONItems() else { throw error }
            // A value takes two bytes at least, with what stands before the next: items cannot have more than are allowed.
            guard bytes.count / 2 <= limits.maximumValues else { throw Self.tooManyValues }
            var json = try JSONObject(parsing: list, limits: limits)
            var elements: [JSONValue] = []
            var cut: Set<Int> = []
            for range in items {
                let item = try object(Array(bytes[range]), maximumBytes: limits.maximumBytes)
                if item.isCut { cut.insert(elements.count) }
                elements.append(.object(item.json))
            }
            json["items"] = .array(elements)
            return (json, cut)
        }
    }

    private static let tooManyValues = JSONError(
        code: "too_many_values", offset: 0, line: 1, column: 1, message: "The list is too large to be taken apart")

    private static func cutting(
        _ bytes: [UInt8], _ limits: JSONLimits
    ) throws(JSONError) -> (json: JSONObject, isCut: Bool) {
        do throws(JSONError) {
            return (try JSONObject(parsing: bytes, limits: limits), false)
        } catch {
            guard error.code == "too_deep", let cut = bytes.cuttingJSON(deeperThan: limits.maximumDepth) else {
                throw error
            }
            return (try JSONObject(parsing: cut, limits: limits), true)
        }
    }
}

extension KubernetesObject {
    /// The object, or what is known of it when it was too deep to be read as a whole.
    init(json: JSONObject, isCut: Bool) {
        guard isCut else {
            self.init(json: json)
            return
        }
        self.init(json: json.filtered { ["apiVersion", "kind", "metadata", "status"].contains($0) })
        // The fields that managers own are nested as deep as the fields themselves.
        metadata["managedFields"] = nil
        unreadable = "It is nested more than \(ObjectReader.maximumDepth) levels deep."
    }
}

extension JSONObject {
    fileprivate func filtered(_ isKept: (String) -> Bool) -> JSONObject {
        var result: JSONObject = [:]
        for (name, value) in self where isKept(name) { result[name] = value }
        return result
    }
}
