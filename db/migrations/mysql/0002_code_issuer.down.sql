DROP INDEX `codes_issuer` ON `codes`;
