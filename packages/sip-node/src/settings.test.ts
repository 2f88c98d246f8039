import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, loadConfig } from '@rollcall/runtime'
import { type NodeSettings, nodeFields, readNodeTable } from './settings.ts'

const shape = {
  ROLLCALL_SCSCF_SIP_TLS_LISTEN: nodeFields.tlsListen('127.0.0.1:5061'),
  ROLLCALL_SCSCF_SIP_PEERS: nodeFields.peers('as.example.org=as@tls:127.0.0.1:5061'),
  ROLLCALL_SCSCF_SIP_UNPROTECTED_LISTEN: nodeFields.unprotectedListen({ is: 'plain', example: 'udp:127.0.0.1:5060' }),
  ROLLCALL_SCSCF_SIP_UNPROTECTED_PEERS: nodeFields.unprotectedPeers('as.example.org=as@udp:127.0.0.1:5060'),
  ROLLCALL_SCSCF_SIP_PROTECTED_ELSEWHERE: nodeFields.protectedElsewhere('127.0.0.1'),
}

/** Reads settings by the ends of their names. */
function read(given: Readonly<Record<string, string>>) {
  const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [`ROLLCALL_SCSCF_SIP_${name}`, value]))
  const config = loadConfig({ service: 'scscf', shape, env })
  const settings: NodeSettings = {
    tlsListen: config.ROLLCALL_SCSCF_SIP_TLS_LISTEN,
    peers: config.ROLLCALL_SCSCF_SIP_PEERS,
    unprotectedListen: config.ROLLCALL_SCSCF_SIP_UNPROTECTED_LISTEN,
    unprotectedPeers: config.ROLLCALL_SCSCF_SIP_UNPROTECTED_PEERS,
    protectedElsewhere: config.ROLLCALL_SCSCF_SIP_PROTECTED_ELSEWHERE,
  }
  return readNodeTable('scscf', settings)
}

test('without settings nothing is taken, and nobody is known', () => {
  assert.deepEqual(read({}), {
    tls: undefined,
    unprotected: [],
    nodes: [],
    unprotectedNodes: [],
    protectedElsewhere: new Set(),
  })
})

test('a table has nodes with their roles and targets, IPv6 in brackets', () => {
  const { tls, unprotected, nodes, unprotectedNodes, protectedElsewhere } = read({
    TLS_LISTEN: '[::1]:5061',
    PEERS: 'P.vendor.org=pcscf,as.vendor.org=as@tls:as.vendor.org:5061|tls:[2001:db8::1]:5062',
    UNPROTECTED_LISTEN: 'udp:10.0.0.2:5060,tcp:10.0.0.2:5060',
    UNPROTECTED_PEERS: 'as2.vendor.org=as@udp:10.0.0.9:5060|tcp:10.0.0.9:5060',
    PROTECTED_ELSEWHERE: '10.0.0.9,2001:db8::9',
  })
  assert.deepEqual(tls, { address: '::1', port: 5_061 })
  assert.deepEqual(
    unprotected.map(({ transport, port }) => [transport, port]),
    [
      ['UDP', 5_060],
      ['TCP', 5_060],
    ],
  )
  assert.deepEqual(nodes, [
    { host: 'p.vendor.org', role: 'pcscf', targets: [] },
    {
      host: 'as.vendor.org',
      role: 'as',
      targets: [
        { transport: 'TLS', host: 'as.vendor.org', port: 5_061 },
        { transport: 'TLS', host: '2001:db8::1', port: 5_062 },
      ],
    },
  ])
  assert.equal(unprotectedNodes[0]?.targets.length, 2)
  assert.deepEqual([...protectedElsewhere], ['10.0.0.9', '2001:db8::9'])
})

test('what contradicts itself, or names what is none, is told by its name', () => {
  const udp = { UNPROTECTED_LISTEN: 'udp:10.0.0.2:5060' }
  const wrong: readonly [Readonly<Record<string, string>>, string][] = [
    [{ PEERS: 'as.vendor.org=janitor' }, 'PEERS'],
    [{ PEERS: 'as.vendor.org=as@udp:as.vendor.org:5060' }, 'PEERS'],
    [{ PEERS: 'as.vendor.org=as@tls:as.vendor.org:0' }, 'PEERS'],
    [{ PEERS: 'as.vendor.org=as,AS.vendor.org=as' }, 'PEERS'],
    [{ PEERS: 'a.org=as', UNPROTECTED_PEERS: 'a.org=as@udp:10.0.0.9:5060', ...udp }, 'PEERS'],
    [{ UNPROTECTED_PEERS: 'as.vendor.org=as@udp:10.0.0.9:5060' }, 'UNPROTECTED_PEERS'],
    [{ UNPROTECTED_PEERS: 'as.vendor.org=as@tcp:10.0.0.9:5060', ...udp }, 'UNPROTECTED_PEERS'],
    [{ UNPROTECTED_PEERS: 'as.vendor.org=as@tls:10.0.0.9:5060', ...udp }, 'UNPROTECTED_PEERS'],
    [{ UNPROTECTED_LISTEN: 'udp:10.0.0.2:5060,udp:10.0.0.3:5060' }, 'UNPROTECTED_LISTEN'],
    [{ UNPROTECTED_LISTEN: 'udp:10.0.0.2:0' }, 'UNPROTECTED_LISTEN'],
    [{ PROTECTED_ELSEWHERE: '10.0.0.300' }, 'PROTECTED_ELSEWHERE'],
    [{ TLS_LISTEN: 'localhost:5061' }, 'TLS_LISTEN'],
  ]
  for (const [given, name] of wrong) {
    assert.throws(
      () => read(given),
      (error) =>
        error instanceof ConfigError && error.problems.some((one) => one.name === `ROLLCALL_SCSCF_SIP_${name}`),
      JSON.stringify(given),
    )
  }
})
