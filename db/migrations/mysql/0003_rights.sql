CREATE TABLE `guards` (
	`name` varchar(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`version` int NOT NULL DEFAULT 0,
	`held` boolean NOT NULL DEFAULT false,
	CONSTRAINT `guards_name` PRIMARY KEY(`name`)
);
--> statement-breakpoint
ALTER TABLE `codes` ADD `issuer_token_id` char(36) CHARACTER SET ascii COLLATE ascii_bin;--> statement-breakpoint
ALTER TABLE `groups` ADD `rights_version` int DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `rights_version` int DEFAULT 0 NOT NULL;--> statement-breakpoint
INSERT INTO `guards` (`name`) VALUES ('administrators');--> statement-breakpoint
UPDATE `codes` SET `issuer_token_id` = `issuer_id`, `issuer_id` = (SELECT `user_id` FROM `tokens` WHERE `tokens`.`id` = `codes`.`issuer_id`) WHERE `issuer_id` IN (SELECT `id` FROM `tokens`);