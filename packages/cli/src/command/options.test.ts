import assert from 'node:assert/strict'
import test from 'node:test'
import { UsageError } from '../errors.ts'
import { type OptionTable, parseOptions } from './options.ts'

const TABLE: OptionTable = {
  basic: { value: 'STATE', oneOf: ['open', 'closed'], help: '' },
  expires: { value: 'SECONDS', range: { min: 1, max: 600 }, help: '' },
  activity: { value: 'NAME', isList: true, help: '' },
  json: { help: '' },
}

function messageOf(args: string[]): string {
  try {
    parseOptions(args, TABLE)
    return ''
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error.message
  }
}

test('reads values, switches, lists, numbers and operands', () => {
  const options = parseOptions(
    ['x', '--basic', 'open', '--activity', 'a', '--activity=b', '--expires', '60', '--json'],
    TABLE,
  )
  assert.deepEqual(options.positionals, ['x'])
  assert.equal(options.text('basic'), 'open')
  assert.deepEqual(options.list('activity'), ['a', 'b'])
  assert.equal(options.whole('expires'), 60)
  assert.equal(options.flag('json'), true)
  assert.equal(options.text('note'), undefined)
})

test('says which option is wrong and what is allowed', () => {
  assert.equal(messageOf(['--basic', 'maybe']), "--basic must be open or closed, not 'maybe'")
  assert.equal(messageOf(['--expires', '601']), "--expires must be a whole number from 1 to 600, not '601'")
  assert.equal(messageOf(['--expires', '1.5']), "--expires must be a whole number from 1 to 600, not '1.5'")
  assert.match(messageOf(['--colour']), /Unknown option '--colour'/)
  assert.match(messageOf(['--expires']), /argument missing/)
})
