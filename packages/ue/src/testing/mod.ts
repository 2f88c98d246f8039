export { FAKE_SERVICE_ROUTE, FakePcscf, type Script, type ScriptedAnswer } from './fake-pcscf.ts'
export { notifierOf } from './notifier.ts'
export { ALICE, BOB, DOMAIN, KEYS, type Place, placeOf, testCredentials } from './world.ts'
