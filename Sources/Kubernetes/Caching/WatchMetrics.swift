import CoreMetrics

/// What a cache counts, under its resource's name.
struct WatchMetrics: Sendable {
    private let resource: (String, String)
    private let factory: any MetricsFactory
    private let events: Counter
    private let lists: Counter
    private let unreadable: Counter
    private let upToDate: Gauge

    init(resource: APIResource, factory: any MetricsFactory) {
        let name = ("resource", resource.group.isEmpty ? resource.plural : "\(resource.plural).\(resource.group)")
        self.resource = name
        self.factory = factory
        events = Counter(label: "claviger_watch_events_total", dimensions: [name], factory: factory)
        lists = Counter(label: "claviger_watch_lists_total", dimensions: [name], factory: factory)
        unreadable = Counter(label: "claviger_watch_unreadable_objects_total", dimensions: [name], factory: factory)
        upToDate = Gauge(label: "claviger_watch_up_to_date", dimensions: [name], factory: factory)
        upToDate.record(0)
    }

    func received() { events.increment() }

    func receivedUnreadable() { unreadable.increment() }

    /// 0 from the first failure that has to be waited out until the changes are followed again.
    func isUpToDate(_ isSo: Bool) { upToDate.record(isSo ? 1 : 0) }

    func listed() { lists.increment() }

    func failed(_ kind: KubernetesError.Kind) {
        Counter(
            label: "claviger_watch_failures_total", dimensions: [resource, ("code", kind.rawValue)], factory: factory
        ).increment()
    }
}
