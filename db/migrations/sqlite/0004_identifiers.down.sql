-- loses data: column users.username_search_key, column users.email_search_key, column users.password_set_by, column users.password_set_by_id, column users.password_set_at
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_users` (
	`id` text PRIMARY KEY NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`username` text(64) NOT NULL,
	`username_key` text(64) NOT NULL,
	`name` text(200) DEFAULT '' NOT NULL,
	`name_key` text(64) DEFAULT '' NOT NULL,
	`email` text(254),
	`email_key` text(254),
	`password_hash` text(255),
	`active` integer DEFAULT true NOT NULL,
	`rights_version` integer DEFAULT 0 NOT NULL,
	`last_sign_in_at` integer
);
--> statement-breakpoint
INSERT INTO `__new_users`("id", "version", "created_at", "updated_at", "username", "username_key", "name", "name_key", "email", "email_key", "password_hash", "active", "rights_version", "last_sign_in_at") SELECT "id", "version", "created_at", "updated_at", "username", "username_key", "name", "name_key", "email", "email_key", "password_hash", "active", "rights_version", "last_sign_in_at" FROM `users`;--> statement-breakpoint
DROP TABLE `users`;--> statement-breakpoint
ALTER TABLE `__new_users` RENAME TO `users`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `users_username_key` ON `users` (`username_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_email_key` ON `users` (`email_key`);--> statement-breakpoint
CREATE INDEX `users_name_key` ON `users` (`name_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_active` ON `users` (`active`,`id`);
