extension Migration {
    /// Measurements that verified evidence showed.
    static let measurementSightings = Migration(
        version: 11, name: "measurement sightings",
        text: """
            CREATE TABLE measurement_sightings (
                tee text COLLATE "C" NOT NULL,
                claim text COLLATE "C" NOT NULL,
                value text COLLATE "C" NOT NULL,
                first_seen timestamptz NOT NULL DEFAULT now(),
                last_seen timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (tee, claim, value)
            );
            CREATE INDEX measurement_sightings_last_seen ON measurement_sightings (last_seen);
            """)
}
