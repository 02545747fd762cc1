import { describe, expect, it } from 'vitest';
import { startTestServer } from '../../tests/support/http-server.ts';

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and tells of every endpoint, with its answers', async () => {
    await using server = await startTestServer();
    const answer = await server.app.inject('/openapi.json');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const document = answer.json();
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Sohbet over HTTP', version: '1.2.3' });
    expect(Object.keys(document.paths).sort()).toEqual([
      '/',
      '/asyncapi.json',
      '/docs',
      '/health',
      '/health/live',
      '/metrics',
      '/openapi.json',
    ]);
    const health = document.paths['/health'].get.responses;
    expect(Object.keys(health)).toEqual(['200', '503']);
    const schema = health['200'].content['application/json'].schema;
    expect(schema.required).toEqual(['status', 'services']);
    expect(schema.properties.status.enum).toEqual(['up', 'degraded', 'down']);
    expect(document.paths['/'].get.parameters).toMatchObject([{ name: 'lang', in: 'query', required: false }]);
    expect(Object.keys(document.paths['/metrics'].get.responses)).toEqual(['200', '401', '403']);
    expect(document.paths['/metrics'].get.security).toEqual([{ metricsToken: [] }, {}]);
  });

  it('refers to nothing outside itself', async () => {
    await using server = await startTestServer();
    const { body } = await server.app.inject('/openapi.json');
    expect(body).not.toContain('$ref');
  });

  it('is what each documented address answers: 200 for this machine', async () => {
    await using server = await startTestServer();
    for (const path of Object.keys((await server.app.inject('/openapi.json')).json().paths)) {
      expect((await server.app.inject(path)).statusCode).toBe(200);
    }
  });

  it('was shown at /docs/http, which leads to where it is shown now, below whatever path', async () => {
    await using server = await startTestServer();
    const { statusCode, headers } = await server.app.inject('/docs/http');
    expect(statusCode).toBe(301);
    expect(new URL(headers.location ?? '', 'http://chat.example/below/docs/http').href).toBe(
      'http://chat.example/below/docs#http',
    );
    expect((await server.app.inject('/docs')).body).toContain('<section id="http">');
  });
});

describe('/asyncapi.json', () => {
  it('is served with the address it was asked at', async () => {
    await using server = await startTestServer();
    const answer = await server.app.inject({ url: '/asyncapi.json', headers: { host: 'chat.example:1' } });
    expect(answer.json()).toMatchObject({ asyncapi: '3.0.0', servers: { this: { host: 'chat.example:1' } } });
  });
});
