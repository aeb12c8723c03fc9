// SPDX-License-Identifier: Apache-2.0
// provider.mjs REDIRECT_URI [CERTIFICATE KEY]: oidc-provider on a free port of 127.0.0.1, which it prints. Nobody is
// asked for a password: whoever the browser's header X-Account names is logged in. The test tells it what to do:
//   POST /people   {"anna": {"groups": [...], "preferred_username": ..., "mfa": true}}
//   POST /mischief {"kind": "nonce"}   bend the next identity tokens; "none" makes them honest again (see bend)
//   POST /rotate   new keys
//   POST /slow     {"ms": 1000}        take so long for each answer
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { exportJWK, importJWK, SignJWT } from 'jose';
import Provider from 'oidc-provider';

const [redirect, certificate, key] = process.argv.slice(2);
let people = {}, mischief = 'honest', slow = 0, keys, provider, issuer, turn = 0;

const client = (id, more = {}) => ({
  client_id: id, client_secret: 'a secret of 40 characters, and no less of it', redirect_uris: [redirect],
  ...more,
});

async function makeKeys() {
  turn += 1;
  const jwk = async (pair, kid, alg) => ({ ...(await exportJWK(pair.privateKey)), kid, alg, use: 'sig' });
  return [
    await jwk(generateKeyPairSync('rsa', { modulusLength: 2048 }), `rsa-${turn}`, 'RS256'),
    await jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }), `ec-${turn}`, 'ES256'),
  ];
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// An identity token as an attacker, or a broken provider, would have it.
async function bend(kind, token) {
  const [header, claims] = token.split('.').slice(0, 2).map((p) => JSON.parse(Buffer.from(p, 'base64url')));
  const now = Math.floor(Date.now() / 1000);
  const sign = async (change, by = keys[0], kid = by.kid) =>
    new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: by.alg, kid }).sign(await importJWK(by, by.alg));
  switch (kind) {
    case 'resigned': return sign({});
    case 'es256': return sign({}, keys[1]);
    case 'nonce': return sign({ nonce: 'another' });
    case 'audience': return sign({ aud: 'other' });
    case 'two audiences': return sign({ aud: ['idem', 'other'] });
    case 'party': return sign({ azp: 'other' });
    case 'issuer': return sign({ iss: 'https://evil.example' });
    case 'expired': return sign({ iat: now - 900, exp: now - 300 });
    case 'future': return sign({ iat: now + 600, exp: now + 900 });
    case 'stranger': return sign({}, (await makeKeys())[0], keys[0].kid);
    case 'wrong kind': return sign({}, keys[1], keys[0].kid);
    case 'none': return `${part({ alg: 'none' })}.${part(claims)}.`;
    case 'changed': return token.replace(/\.[^.]+\./, `.${part({ ...claims, groups: ['it-operations'] })}.`);
    case 'hs256': {
      const text = `${part({ alg: 'HS256', kid: header.kid })}.${part(claims)}`;
      const secret = createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' });
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    }
    case 'long': return `${token}${'A'.repeat(70000)}`;
    default: return token;
  }
}

const amrOf = (id) => (people[id]?.mfa ? ['pwd', 'mfa'] : ['pwd']);

function claimsOf(id) {
  const { groups, preferred_username } = people[id];
  return { sub: id, groups, preferred_username, amr: amrOf(id) };
}

function make() {
  provider = new Provider(issuer, {
    clients: [client('idem'), client('other')],
    jwks: { keys },
    pkce: { required: () => true, methods: ['S256'] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups', 'amr'] },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['for a test'] },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => claimsOf(id) }),
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'token' && ctx.body?.id_token) ctx.body.id_token = await bend(mischief, ctx.body.id_token);
  });
}

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const accountId = request.headers['x-account'];
    return provider.interactionFinished(request, response, { login: { accountId, amr: amrOf(accountId) } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

async function command(request, response) {
  let text = '';
  for await (const chunk of request) text += chunk;
  const body = JSON.parse(text || '{}');
  if (request.url === '/people') people = body;
  if (request.url === '/mischief') mischief = body.kind;
  if (request.url === '/slow') slow = body.ms;
  if (request.url === '/rotate') {
    keys = await makeKeys();
    make();
  }
  response.end('{}');
}

async function handle(request, response) {
  try {
    if (['/people', '/mischief', '/rotate', '/slow'].includes(request.url)) return await command(request, response);
    if (slow) await new Promise((done) => setTimeout(done, slow));
    if (request.url.startsWith('/interaction/')) return await interact(request, response);
    return provider.callback()(request, response);
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
}

keys = await makeKeys();
const server = certificate
  ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, handle)
  : http.createServer(handle);
server.listen(0, '127.0.0.1', () => {
  issuer = `${certificate ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  make();
  console.log(issuer);
});
