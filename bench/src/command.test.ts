import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCH_NAMES, parseCommand } from './command.ts'

test('measures everything when nothing is named', () => {
  assert.deepEqual(parseCommand([]), { kind: 'bench', names: [...BENCH_NAMES], isProfiled: false, isMillion: false })
})

test('takes names in the order of the list, and options', () => {
  assert.deepEqual(parseCommand(['hop', 'publish', '--json', 'a.json', '--profile', '--million']), {
    kind: 'bench',
    names: ['publish', 'hop'],
    json: 'a.json',
    isProfiled: true,
    isMillion: true,
  })
})

test('compares with the peer', () => {
  assert.deepEqual(parseCommand(['peer', '--json', 'p.json']), { kind: 'peer', json: 'p.json' })
  assert.equal(parseCommand(['peer', 'hop']).kind, 'wrong')
})

test('serves on loopback alone', () => {
  const sip = { address: '127.0.0.1', port: 5280 }
  assert.deepEqual(parseCommand(['serve', 'presence']), { kind: 'serve', sip })
  assert.deepEqual(parseCommand(['serve', 'presence', '--sip', 'udp:127.1.9.7:5060']), {
    kind: 'serve',
    sip: { address: '127.1.9.7', port: 5060 },
  })
  for (const sip of ['udp:10.0.0.1:5280', 'tcp:127.0.0.1:5280', 'udp:127.0.0.1:0', 'udp:127.0.0.1:70000', '5280']) {
    assert.equal(parseCommand(['serve', 'presence', '--sip', sip]).kind, 'wrong', sip)
  }
  for (const args of [
    ['serve'],
    ['serve', 'hss'],
    ['serve', 'presence', 'more'],
    ['publish', '--sip', 'udp:127.0.0.1:1'],
  ]) {
    assert.equal(parseCommand(args).kind, 'wrong', args.join(' '))
  }
})

test('says what is wrong', () => {
  assert.deepEqual(parseCommand(['publsh']), { kind: 'wrong', problem: 'no benchmark is called publsh' })
  assert.equal(parseCommand(['--jsn', 'x']).kind, 'wrong')
  assert.deepEqual(parseCommand(['--help']), { kind: 'help' })
})
