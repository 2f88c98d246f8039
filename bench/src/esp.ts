import { Secret, seededRandom, systemRandom } from '@rollcall/core'
import {
  buildInnerUdp,
  type EncryptionAlgorithm,
  expandKeys,
  InboundSa,
  type IntegrityAlgorithm,
  isAlgorithmPair,
  OutboundSa,
  parseInnerUdp,
  parseIp,
  pooledRandom,
  tunnelHeaderOf,
} from '@rollcall/esp'
import type { BenchRow } from './report/bench-row.ts'
import { quantile, round } from './report/statistics.ts'

const MESSAGE_BYTES = 1_024
/** Packets before the first that is measured, so that the code is compiled. */
const WARM_UP = 4_000
/** Measured packets of each suite, in batches whose times give the quantiles: about a second each. */
const BATCHES = 40
const BATCH = 500

const INTEGRITIES: readonly IntegrityAlgorithm[] = ['hmac-sha-1-96', 'hmac-md5-96', 'aes-gmac', 'null']
const ENCRYPTIONS: readonly EncryptionAlgorithm[] = ['aes-cbc', 'des-ede3-cbc', 'aes-gcm', 'null']

const SOURCE = { address: parseIp('127.0.1.1'), port: 40_001 }
const DESTINATION = { address: parseIp('127.0.0.1'), port: 15_064 }

/**
 * ESP in tunnel mode without a socket: 1,024 octets of SIP sealed (inner headers, encryption, ICV) and opened again, for
 * each suite, in this process alone. An operation is one packet, sealed or opened; the quantiles are those of batches,
 * divided by their packets.
 */
export async function* benchEsp(): AsyncGenerator<BenchRow> {
  for (const encryption of ENCRYPTIONS) {
    for (const integrity of INTEGRITIES) {
      if (isAlgorithmPair(integrity, encryption)) yield* measureSuite(encryption, integrity)
    }
  }
}

function* measureSuite(encryption: EncryptionAlgorithm, integrity: IntegrityAlgorithm): Generator<BenchRow> {
  const random = seededRandom('bench esp')
  const keys = expandKeys({
    ck: new Secret(random.bytes(16)),
    ik: new Secret(random.bytes(16)),
    encryption,
    integrity,
  })
  const outbound = new OutboundSa({ spi: 1_000_000_007, keys, random: pooledRandom(systemRandom) })
  const inbound = new InboundSa({ spi: 1_000_000_007, keys })
  const payload = random.bytes(MESSAGE_BYTES)
  const nextHeader = tunnelHeaderOf(SOURCE.address)
  const seal = (): Buffer =>
    outbound.seal(buildInnerUdp({ source: SOURCE, destination: DESTINATION, payload }), nextHeader)
  const open = (packet: Buffer): void => {
    const opened = inbound.open(packet)
    if (!opened.ok || parseInnerUdp(opened.payload, opened.nextHeader) === undefined)
      throw new Error('a packet was lost')
  }
  for (let packet = 0; packet < WARM_UP; packet++) open(seal())

  const sealed = newTally()
  const opened = newTally()
  for (let batch = 0; batch < BATCHES; batch++) {
    const packets: Buffer[] = []
    measure(sealed, () => packets.push(seal()))
    let next = 0
    measure(opened, () => open(packets[next++] ?? Buffer.alloc(0)))
  }
  for (const [what, tally] of [
    ['seal', sealed],
    ['open', opened],
  ] as const) {
    const rates = tally.batchMs.map((ms) => ms / BATCH).sort((a, b) => a - b)
    yield {
      name: 'esp',
      case: `${encryption} ${integrity}, ${MESSAGE_BYTES} octets, ${what}`,
      ops_per_s: round((1000 * BATCH * BATCHES) / tally.batchMs.reduce((sum, ms) => sum + ms, 0), 0),
      p50_ms: round(quantile(rates, 0.5), 4),
      p99_ms: round(quantile(rates, 0.99), 4),
      cpu_us: { esp: round(tally.cpuUs / (BATCH * BATCHES), 2) },
      rss_mb: { esp: round(process.memoryUsage.rss() / 1e6, 0) },
    }
  }
}

interface Tally {
  readonly batchMs: number[]
  cpuUs: number
}

function newTally(): Tally {
  return { batchMs: [], cpuUs: 0 }
}

function measure(tally: Tally, work: () => void): void {
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  for (let packet = 0; packet < BATCH; packet++) work()
  tally.batchMs.push(performance.now() - startMs)
  const { user, system } = process.cpuUsage(cpuBefore)
  tally.cpuUs += user + system
}
