import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publish, subscribe } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'

test('the last NOTIFY of a dialog, which nothing takes back, does not leave either once its owner has ended', async () => {
  for (const end of ['stop', 'drop'] as const) {
    const stage = new Stage()
    const owner = await stage.own()
    stage.ask(owner, publish())
    stage.watchers = undefined
    stage.ask(owner, subscribe({ expiresSeconds: 0 }))
    await settled()
    const [fetched] = stage.take()
    assert.equal(fetched?.notice.ended, 'timeout')
    assert.notEqual(fetched?.body, '')
    assert.equal(fetched?.mayLeave(), true)
    owner[end]()
    assert.equal(fetched?.mayLeave(), false, end)
  }
})
