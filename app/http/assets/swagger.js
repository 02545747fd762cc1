// Shows the OpenAPI document of the server that this page came from, wherever a proxy shows it.
SwaggerUIBundle({
  url: new URL('../openapi.json', document.baseURI).href,
  dom_id: '#swagger-ui',
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
  deepLinking: false,
  validatorUrl: null,
});
