import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DialogHistory } from './dialog-history.ts'
import { PolicyHistory } from './policy-history.ts'

const BOB = 'sip:bob@example.com'
const CAROL = 'sip:carol@example.com'
const ALICE = 'sip:alice@example.com'

function policies() {
  const history = new PolicyHistory()
  const stored = (revision: bigint, atMs: number, ...blocked: string[]): void => {
    history.stored(ALICE, { revision, atMs, isBlocked: (watcher) => blocked.includes(watcher) })
  }
  const acknowledged = (revision: bigint, atMs: number): void => history.acknowledged(ALICE, { revision, atMs })
  const broken = (atMs: number, watcher = BOB) => history.broken({ presentity: ALICE, watcher, atMs })
  return { stored, acknowledged, broken }
}

test('after the acknowledgement of a change that blocks nothing may leave, until a change allows it again', () => {
  const { stored, acknowledged, broken } = policies()
  stored(1n, 0)
  stored(2n, 100, BOB)
  acknowledged(2n, 200)
  stored(3n, 400)
  assert.equal(broken(50), undefined)
  assert.equal(broken(150), undefined, 'not acknowledged yet')
  assert.match(broken(200) ?? '', /revision 2.*acknowledged at 200/)
  assert.match(broken(399) ?? '', /revision 2/)
  assert.equal(broken(300, CAROL), undefined)
  assert.equal(broken(400), undefined, 'the change that allows may be in force already')
})

test('an acknowledgement covers what came before it, and is not undone by an older one', () => {
  const { stored, acknowledged, broken } = policies()
  stored(1n, 0)
  stored(2n, 100, BOB)
  stored(3n, 150, BOB, CAROL)
  acknowledged(3n, 200)
  acknowledged(1n, 300)
  assert.match(broken(350) ?? '', /revision 3/)
})

test('a watcher that some later revision allows may be told', () => {
  const { stored, acknowledged, broken } = policies()
  stored(1n, 0, BOB)
  acknowledged(1n, 10)
  stored(2n, 20)
  stored(3n, 30, BOB)
  assert.equal(broken(40), undefined, 'the second may be in force')
  acknowledged(3n, 50)
  assert.match(broken(60) ?? '', /revision 3/)
})

test('of a presentity without a history nothing was promised', () => {
  assert.equal(policies().broken(10), undefined)
})

test('CSeqs grow in a dialog, those of a later owner beyond all of an earlier one, and none is used twice', () => {
  const cases: readonly [fits: boolean, cseq: number, epoch: bigint, branch: string][] = [
    [true, 1, 5n, 'a'],
    [true, 1, 5n, 'a'],
    [false, 1, 5n, 'b'],
    [true, 2, 5n, 'c'],
    [false, 2, 5n, 'd'],
    [true, 10, 9n, 'e'],
    [true, 3, 5n, 'late'],
    [false, 11, 5n, 'f'],
    [false, 9, 9n, 'g'],
  ]
  const history = new DialogHistory()
  for (const [fits, cseq, epoch, branch] of cases) {
    const wrong = history.left({ dialog: 'd', cseq, epoch, branch })
    assert.equal(wrong === undefined, fits, `${cseq} ${epoch} ${branch}: ${wrong}`)
  }
  assert.equal(history.left({ dialog: 'another', cseq: 1, epoch: 1n, branch: 'a' }), undefined)
})
