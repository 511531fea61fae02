import CCurl

/// Writes options into a libcurl handle and remembers the first refusal.
final class TransferSetup {
    private let easy: UnsafeMutableRawPointer
    private(set) var failure: CURLcode?

    init(easy: UnsafeMutableRawPointer) {
        self.easy = easy
    }

    func apply(_ configuration: HTTPClientConfiguration, _ trust: TrustAnchors) {
        number(CURLOPT_NOSIGNAL, 1)
        number(CURLOPT_FOLLOWLOCATION, 0)
        number(CURLOPT_SSL_VERIFYPEER, 1)
        number(CURLOPT_SSL_VERIFYHOST, 2)
        number(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        // libcurl resets an HTTP/2 stream as soon as Content-Length is reached, and servers take many resets for an attack
        // and drop the connection with every request on it. HTTP/1.1 keeps one request's fate apart from another's.
        number(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        number(CURLOPT_PATH_AS_IS, 1)
        number(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        text(CURLOPT_USERAGENT, configuration.userAgent)
        // A peer that vanished without a word would otherwise be waited for as long as the exchange may last.
        number(CURLOPT_TCP_KEEPALIVE, 1)
        number(CURLOPT_TCP_KEEPIDLE, 30)
        number(CURLOPT_TCP_KEEPINTVL, 15)
        // Empty texts, unlike unset ones, keep libcurl from reading the proxy variables of the environment.
        text(CURLOPT_PROXY, configuration.proxy ?? "")
        text(CURLOPT_NOPROXY, configuration.proxyExceptions ?? "")
        apply(trust)
        if let identity = configuration.clientIdentity { apply(identity) }
    }

    private func apply(_ identity: HTTPClientIdentity) {
        text(CURLOPT_SSLCERTTYPE, "PEM")
        text(CURLOPT_SSLKEYTYPE, "PEM")
        Array(identity.certificatePEM.utf8).withUnsafeBytes { buffer in
            note(claviger_curl_set_blob_copy(easy, CURLOPT_SSLCERT_BLOB, buffer.baseAddress, buffer.count))
        }
        identity.keyPEM.withUnsafeBytes { buffer in
            note(claviger_curl_set_blob_copy(easy, CURLOPT_SSLKEY_BLOB, buffer.baseAddress, buffer.count))
        }
    }

    /// Refuses a longer body before it is sent, where its length is announced.
    func limitBody(to count: Int) {
        size(CURLOPT_MAXFILESIZE_LARGE, count)
    }

    /// Lets the exchange last for as long as somebody reads it.
    func waitForever() {
        number(CURLOPT_TIMEOUT_MS, 0)
    }

    private func apply(_ trust: TrustAnchors) {
        // libcurl's compiled-in paths would add the system's authorities behind the caller's back.
        text(CURLOPT_CAPATH, nil)
        text(CURLOPT_CAINFO, nil)
        switch trust {
        case .file(let path):
            text(CURLOPT_CAINFO, path)
        case .pem(let bytes) where !bytes.isEmpty:
            bytes.withUnsafeBytes { buffer in
                note(claviger_curl_set_blob_copy(easy, CURLOPT_CAINFO_BLOB, buffer.baseAddress, buffer.count))
            }
        case .pem:
            break
        }
    }

    func apply(_ request: HTTPRequest, body: UnsafeMutableRawPointer?) {
        text(CURLOPT_URL, request.url)
        text(CURLOPT_PROTOCOLS_STR, request.url.lowercased().hasPrefix("https:") ? "https" : "http")
        number(CURLOPT_TIMEOUT_MS, milliseconds(request.timeout))
        number(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connectTimeout ?? request.timeout))
        if let path = request.unixSocket {
            text(CURLOPT_UNIX_SOCKET_PATH, path)
        }
        if let count = request.body?.count ?? (request.method == "POST" ? 0 : nil) {
            number(CURLOPT_POST, 1)
            pointer(CURLOPT_POSTFIELDS, body)
            size(CURLOPT_POSTFIELDSIZE_LARGE, count)
        } else if request.method == "HEAD" {
            number(CURLOPT_NOBODY, 1)
        }
        text(CURLOPT_CUSTOMREQUEST, request.method)
    }

    /// The request's own fields; libcurl's additions that nobody asked for are switched off by a name without value.
    func headerList(_ request: HTTPRequest) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        let given = Set(request.headers.map { $0.name.lowercased() })
        for unwanted in ["Expect", "Content-Type", "Accept"] where !given.contains(unwanted.lowercased()) {
            list = append("\(unwanted):", to: list)
        }
        for (name, value) in request.headers {
            list = append(value.isEmpty ? "\(name);" : "\(name): \(value)", to: list)
        }
        return list
    }

    private func append(
        _ line: String, to list: UnsafeMutablePointer<curl_slist>?
    ) -> UnsafeMutablePointer<curl_slist>? {
        guard let longer = curl_slist_append(list, line) else {
            note(CURLE_OUT_OF_MEMORY)
            return list
        }
        return longer
    }

    /// Directs what is received to the `Transfer` behind `context`, which must outlive the handle.
    func receive(into context: UnsafeMutableRawPointer) {
        note(
            claviger_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
                guard let bytes, let context else { return 0 }
                return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                    .receiveBody(UnsafeRawBufferPointer(start: bytes, count: count))
            })
        note(
            claviger_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, context in
                guard let bytes, let context else { return 0 }
                return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                    .receiveHeader(UnsafeRawBufferPointer(start: bytes, count: count))
            })
        pointer(CURLOPT_WRITEDATA, context)
        pointer(CURLOPT_HEADERDATA, context)
    }

    /// Has the `Transfer` behind `context`, which must outlive the handle, look at every address before it is connected to.
    func watchAddresses(for context: UnsafeMutableRawPointer) {
        note(
            claviger_curl_set_opener(easy) { context, _, address in
                guard let context, let address else { return CURL_SOCKET_BAD }
                return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().openSocket(address)
            })
        pointer(CURLOPT_OPENSOCKETDATA, context)
    }

    func number(_ option: CURLoption, _ value: Int) { note(claviger_curl_set_long(easy, option, value)) }
    func text(_ option: CURLoption, _ value: String?) { note(claviger_curl_set_text(easy, option, value)) }
    func size(_ option: CURLoption, _ value: Int) { note(claviger_curl_set_size(easy, option, curl_off_t(value))) }
    func pointer(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) {
        note(claviger_curl_set_pointer(easy, option, value))
    }
    func list(_ option: CURLoption, _ value: UnsafeMutablePointer<curl_slist>?) {
        note(claviger_curl_set_list(easy, option, value))
    }

    private func note(_ result: CURLcode) {
        if result != CURLE_OK, failure == nil { failure = result }
    }

    private func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
