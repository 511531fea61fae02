/// The arguments of a call by the type that a function takes.
extension [CELValue] {
    func string(_ index: Int, of function: String) throws(CELError) -> String {
        guard case .string(let text) = self[index] else { throw CELError.noSuchOverload(function, self) }
        return text
    }

    func int(_ index: Int, of function: String) throws(CELError) -> Int64 {
        guard case .int(let number) = self[index] else { throw CELError.noSuchOverload(function, self) }
        return number
    }

    func bool(_ index: Int, of function: String) throws(CELError) -> Bool {
        guard case .bool(let truth) = self[index] else { throw CELError.noSuchOverload(function, self) }
        return truth
    }

    func list(_ index: Int, of function: String) throws(CELError) -> [CELValue] {
        guard case .list(let list) = self[index] else { throw CELError.noSuchOverload(function, self) }
        return list
    }

    /// A value of a library's own type.
    func opaque<T: CELOpaqueValue>(_ index: Int, of function: String) throws(CELError) -> T {
        guard case .opaque(let value as T) = self[index] else { throw CELError.noSuchOverload(function, self) }
        return value
    }
}
