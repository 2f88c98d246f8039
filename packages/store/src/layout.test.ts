import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkShape,
  leaseStreamOf,
  leaseSubjectPrefix,
  logStreamsOf,
  logSubject,
  ownSubjectsOf,
  partitionOf,
  realmToken,
  STORE_SERVICES,
  streamsOf,
} from './layout.ts'

test('16 partitions lie in 4 shard streams, partition p in stream p mod 4 (readings.md, Store 1)', () => {
  const streams = logStreamsOf('presence')
  assert.deepEqual(
    streams.map(({ name }) => name),
    ['presence_log_0', 'presence_log_1', 'presence_log_2', 'presence_log_3'],
  )
  for (let partition = 0; partition < 16; partition += 1) {
    const stream = streams[partition % 4]
    assert.ok(stream?.subjects.includes(`presence.*.log.${partition}`))
    assert.ok(stream?.subjects.includes(`presence.*.snap.${partition}.>`))
  }
})

test('no two streams share a subject’s first token and account, and no log lets records go by themselves', () => {
  for (const service of STORE_SERVICES) {
    for (const { kind, subjects, config } of streamsOf(service)) {
      for (const subject of subjects)
        assert.ok(subject.startsWith(['hss', 'bsf'].includes(service) ? `$KV.${service}` : `${service}.`))
      assert.equal(config.discard, 'new')
      assert.equal(config.max_age, 0)
      assert.equal(config.deny_delete, true)
      assert.equal(config.allow_rollup_hdrs, false)
      assert.equal(config.max_msgs_per_subject, kind === 'log' ? -1 : 1)
    }
  }
})

test('replicas that share partitions have leases in a stream of their own (ARCHITECTURE decision 3)', () => {
  for (const service of ['presence', 'scscf'] as const) {
    const leases = streamsOf(service).filter(({ kind }) => kind === 'lease')
    assert.deepEqual(leases, [leaseStreamOf(service)])
    assert.equal(leases[0]?.name, `${service}_lease`)
    assert.deepEqual(leases[0]?.subjects, [`${service}.*.lease.*`])
  }
  assert.equal(leaseSubjectPrefix('presence', 'a.b'), 'presence.a_b.lease.')
  for (const service of ['hss', 'pcscf', 'bsf'] as const)
    assert.ok(streamsOf(service).every(({ kind }) => kind !== 'lease'))
})

test('what UEs have bootstrapped lies in buckets whose entries expire (readings.md, Ut 4)', () => {
  const streams = streamsOf('bsf')
  assert.deepEqual(
    streams.map(({ name, kind, config }) => [name, kind, config.allow_msg_ttl]),
    [
      ['KV_bsf_contexts', 'expiring', true],
      ['KV_bsf_challenges', 'expiring', true],
    ],
  )
  assert.deepEqual(ownSubjectsOf('bsf'), ['$KV.bsf_contexts.>', '$KV.bsf_challenges.>'])
})

test('a realm is one token of a subject (readings.md, Store 1)', () => {
  assert.equal(realmToken('IMS.mnc001.MCC001.3gppnetwork.org'), 'ims_mnc001_mcc001_3gppnetwork_org')
  assert.equal(logSubject('pcscf', 'a.b', 'pcscf-0'), 'pcscf.a_b.log.pcscf-0')
})

test('the partition of an identity never changes', () => {
  const known: [string, number, number][] = [
    ['sip:alice@ims.mnc001.mcc001.3gppnetwork.org', 16, 14],
    ['sip:bob@ims.mnc001.mcc001.3gppnetwork.org', 16, 9],
    ['sip:carol@ims.mnc001.mcc001.3gppnetwork.org', 256, 77],
  ]
  for (const [impu, partitions, partition] of known) assert.equal(partitionOf(impu, partitions), partition, impu)
})

test('identities spread evenly over the partitions', () => {
  const counts = new Array<number>(16).fill(0)
  for (let user = 0; user < 16_000; user += 1) {
    const partition = partitionOf(`sip:user${user}@example.com`, 16)
    counts[partition] = (counts[partition] ?? 0) + 1
  }
  for (const count of counts) assert.ok(count > 850 && count < 1_150, counts.join())
})

test('refuses a shape that no store has', () => {
  for (const shape of [
    { partitions: 0, shards: 1 },
    { partitions: 257, shards: 4 },
    { partitions: 16, shards: 0 },
    { partitions: 1.5, shards: 1 },
    { partitions: Number.NaN, shards: 4 },
  ]) {
    assert.throws(() => checkShape(shape), RangeError)
  }
})
